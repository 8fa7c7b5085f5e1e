#include "core/restore/planner.h"

#include <algorithm>

#include "core/restore/branch_notes.h"
#include "core/restore/branch_search.h"
#include "core/restore/content_notes.h"
#include "core/restore/plan_objects.h"
#include "core/restore/plan_target.h"
#include "core/restore/replay_effects.h"

namespace pitr {
namespace {

// For the estimate only: what a modest machine and network do.
constexpr double kRestoreBytesPerSecond = 120e6;
constexpr double kFetchBytesPerSecond = 60e6;
constexpr double kReplaySegmentsPerSecond = 8;
constexpr uint64_t kMaxLookedAt = 100000;  // segments behind seals: a hundred requests

// The path that is asked for, or the only one on which the target is.
Result<BranchChoice> ChooseTimeline(const Repository& repository, const PlanRequest& request,
                                    const BackupCatalog& backups, const BranchTree& tree, const OpContext& ctx) {
  const RecoveryTarget& target = request.target;
  const BackupManifest* backup = backups.Find(request.backup_label);
  if (target.timeline) return BranchChoice{*target.timeline, ""};
  if (target.timeline_current) {
    if (backup == nullptr && !backups.backups.empty()) backup = &backups.backups.back();
    if (backup == nullptr)
      return Status(Code::kInvalidArgument, "there is no finished backup whose timeline could be followed");
    return BranchChoice{StopTimeline(*backup), "that of backup " + backup->label};
  }
  const BranchChooser chooser(tree, backups, {&target, backup, request.own_timeline, request.own_position});
  if (target.kind == TargetKind::kXid || target.kind == TargetKind::kName || target.kind == TargetKind::kLsn)
    return ChooseByContent(repository, backups, chooser, target, request.backup_label, ctx);
  return chooser.Choose();
}

// The record at which replay ends may lie before the path's last timelines began. Along them the server would write a
// history in which it left them before they had; so it is sent along the first timeline that has the record and what is
// before it.
WalPath ShortestPath(const WalCatalog& wal, const WalPath& path, const Resolution& resolution, TargetKind kind) {
  if (kind == TargetKind::kLatest) return path;
  const Lsn stop = kind == TargetKind::kImmediate ? Lsn{resolution.stop.lsn.value - 1} : resolution.stop.lsn;
  const Timeline holds = path.history().TimelineContaining(stop);
  for (const TimelineEntry& entry : path.history().entries()) {
    if (entry.timeline < holds || entry.timeline == path.target()) continue;
    auto shorter = WalPath::Make(wal, entry.timeline, path.segment_size());
    if (shorter.ok() && shorter.value().LeadsFrom(*resolution.from->backup) &&
        shorter.value().Missing(resolution.from->first, resolution.last_segment).empty())
      return std::move(shorter).value();
  }
  return path;
}

void AddBackupNotes(const PlanRequest& request, const BackupCatalog& backups, const std::vector<Candidate>& candidates,
                    RestorePlan& plan) {
  const std::string& label = plan.backup.label;
  if (backups.expiring.contains(label))
    plan.notes.push_back(
        "Backup " + label +
        " is marked to be deleted: an expiry is at work on it, or was killed. A restore of it is refused without "
        "--unprotected; pg_pitr expire, with settings that keep it, takes the mark of one that was "
        "killed back.");
  if (backups.alone.contains(label) && plan.wal.back().last > LastSegment(plan.backup))
    plan.notes.push_back("The WAL after backup " + label +
                         " is marked to be deleted: an expiry is at work on it, or was killed.");
  for (const Candidate& candidate : candidates) {
    if (candidate.complete || candidate.backup->stop_lsn <= plan.backup.stop_lsn) continue;
    plan.notes.push_back("The newer backup " + candidate.backup->label +
                         " was passed over: WAL that it needs is missing.");
  }
  for (const DamagedBackup& damaged : backups.damaged)
    plan.notes.push_back("Backup " + damaged.label + " was passed over: " + damaged.status.message() + ".");
  AddContentNotes(backups, candidates, request.tablespaces, plan);
}

// What else the archive's history has.
void AddBranchNotes(const PlanRequest& request, const BackupCatalog& backups, const BranchTree& tree,
                    const WalPath& path, RestorePlan& plan) {
  if (tree.branches().size() < 2) return;
  const Branch* taken = tree.Find(path.target());
  if (taken != nullptr && taken->set_aside)
    plan.notes.push_back("Timeline " + std::to_string(path.target().value) + " was set aside " + taken->aside_why +
                         ".");
  const Branch* own = request.own_timeline ? tree.Find(*request.own_timeline) : nullptr;
  if (own != nullptr && taken != nullptr && !own->Includes(taken->timeline) && !taken->Includes(own->timeline))
    plan.notes.push_back("This is not the way to timeline " + std::to_string(own->timeline.value) +
                         ", which the running server is on.");
  const RecoveryTarget latest;
  const auto going_on = BranchChooser(tree, backups, {&latest, nullptr, std::nullopt}).Latest();
  const Branch* reference = own != nullptr ? own : going_on.size() == 1 ? going_on.front() : nullptr;
  auto beside = reference == nullptr ? std::vector<const Branch*>() : BranchesBeside(tree, *reference);
  const auto goes_on = [&](const Branch* branch) {
    return std::find(going_on.begin(), going_on.end(), branch) != going_on.end();
  };
  // One of several that go on, asked for by its number or found by what it holds.
  if (reference == nullptr && taken != nullptr && goes_on(taken)) {
    reference = taken;
    beside = BranchesBeside(tree, *taken);
    std::erase_if(beside, [&](const Branch* branch) { return !goes_on(branch); });
  }
  const BesideEvidence evidence{own != nullptr && request.own_started_micros != 0, request.own_started_micros};
  for (std::string& note : DescribeOtherBranches(tree, path, reference, beside, evidence))
    plan.notes.push_back(std::move(note));
}

// Where a living server of this cluster would be seen to write.
std::map<Timeline, Lsn> NewestSegments(const WalCatalog& wal, Timeline followed, uint32_t segment_size) {
  Timeline latest = followed;
  int64_t latest_micros = 0;
  for (const auto& [timeline, held] : wal.timelines()) {
    if (held.ranges.empty() || held.newest_micros <= latest_micros) continue;
    latest = timeline;
    latest_micros = held.newest_micros;
  }
  std::map<Timeline, Lsn> newest;
  for (const Timeline timeline : {followed, latest}) {
    const auto held = wal.timelines().find(timeline);
    if (held != wal.timelines().end() && !held->second.ranges.empty())
      newest[timeline] = SegmentStart(held->second.ranges.back().last, segment_size);
  }
  return newest;
}

int64_t Estimate(const RestorePlan& plan) {
  const double seconds = std::max(static_cast<double>(plan.restore_bytes) / kRestoreBytesPerSecond,
                                  static_cast<double>(plan.fetch_bytes) / kFetchBytesPerSecond) +
                         static_cast<double>(plan.wal_segments) / kReplaySegmentsPerSecond;
  return static_cast<int64_t>(seconds) + 1;
}

// One that holds if `wal` is what is there. `incomplete`: backups of which objects were found missing, and what;
// another one that turns out to be so is added.
Result<RestorePlan> PlanOn(const Repository& repository, const PlanRequest& request, const BackupCatalog& backups,
                           const WalCatalog& wal, std::map<std::string, std::string>& incomplete,
                           const OpContext& ctx) {
  PITR_ASSIGN(const BranchTree tree, BranchTree::Load(repository, backups, wal, ctx));
  PITR_ASSIGN(const BranchChoice choice, ChooseTimeline(repository, request, backups, tree, ctx));
  PITR_ASSIGN(const WalPath chosen, WalPath::Make(wal, choice.timeline, repository.segment_size()));
  PITR_ASSIGN(std::vector<Candidate> candidates, FindCandidates(backups, chosen, request.backup_label));
  for (Candidate& candidate : candidates) {
    const auto lacks = incomplete.find(candidate.backup->label);
    if (lacks != incomplete.end()) candidate.damage = lacks->second;
    if (candidate.damage.empty() && request.damage_of) candidate.damage = request.damage_of(*candidate.backup);
  }
  PITR_ASSIGN(Resolution resolution,
              FindSoundFirst(repository, chosen, candidates, request.target, ctx, request.progress));
  const WalPath path = ShortestPath(wal, chosen, resolution, request.target.kind);

  RestorePlan plan;
  plan.target = request.target;
  plan.backup = *resolution.from->backup;
  plan.target_timeline = path.target();
  const auto held = wal.timelines().find(path.target());
  if (held != wal.timelines().end()) plan.history = held->second.history_of_backup;
  plan.timeline_why = choice.why;
  if (path.target() != choice.timeline)
    plan.timeline_why = "the target lies on it, on the way to timeline " + std::to_string(choice.timeline.value);
  plan.server_target = resolution.server_target;
  // By itself a standby follows the highest number.
  if (WalPath::NewestTimeline(wal) != path.target()) {
    plan.server_target = plan.ServerTarget();
    plan.server_target->timeline = path.target();
  }
  plan.stop = std::move(resolution.stop);
  plan.notes = std::move(resolution.notes);
  if (!plan.history.empty())
    plan.notes.push_back("The archive has no history file of timeline " + std::to_string(path.target().value) +
                         (held->second.parents_unknown
                              ? ", nor has a backup one. Recovery goes along that timeline from the backup; what was "
                                "before it is not known, and not needed for that."
                              : ". That of a backup which ended there takes its place; the server that is restored "
                                "archives it again."));
  SegmentNo last = std::max(resolution.last_segment, LastSegment(plan.backup));
  auto missing = path.Missing(resolution.from->first, last);
  if (const auto end = path.PartialEnd(last); end && !missing.empty() && missing.back().first == last) {
    missing.pop_back();
    plan.partial_segment = path.NameOf(last);
    plan.notes.push_back("Of the last segment, " + plan.partial_segment + ", the archive has the beginning, up to " +
                         end->ToString() + ": what a server had written of it, or a standby had received.");
  }
  if (!missing.empty())
    return Status(Code::kNotFound, "WAL is missing on the way to the target")
        .WithDetail("Missing: " + DescribeSpan(missing.front(), path.segment_size()) + ".");
  PITR_ASSIGN(last, FindReplayEffects(repository, path, last, plan, ctx, request.progress));
  plan.wal = path.Spans(resolution.from->first, last);
  plan.wal_segments = last.value - resolution.from->first.value + 1;
  plan.objects_checked = plan.wal_segments + 1;  // the manifest has been read
  if (Status whole = CheckBackupObjects(repository, plan, ctx); !whole.ok()) {
    if (whole.code() == Code::kCorruption || whole.code() == Code::kNotFound) {
      std::string what = whole.detail();
      while (what.ends_with('.')) what.pop_back();
      incomplete.emplace(plan.backup.label, std::move(what));
    }
    return whole;
  }
  AddBackupNotes(request, backups, candidates, plan);
  AddBranchNotes(request, backups, tree, path, plan);
  plan.highest = WalPath::NewestTimeline(wal).value_or(path.target());
  plan.newest = NewestSegments(wal, path.target(), path.segment_size());
  plan.estimated_seconds = Estimate(plan);
  return plan;
}

// A backup that lacks objects is passed over, as one of which damage is known is, unless it was named.
Result<RestorePlan> PlanFromWhole(const Repository& repository, const PlanRequest& request,
                                  const BackupCatalog& backups, const WalCatalog& wal, const OpContext& ctx) {
  std::map<std::string, std::string> incomplete;
  for (;;) {
    const size_t known = incomplete.size();
    auto planned = PlanOn(repository, request, backups, wal, incomplete, ctx);
    if (planned.ok() || !request.backup_label.empty() || incomplete.size() == known) return planned;
  }
}

}  // namespace

Result<RestorePlan> MakeRestorePlan(const Repository& repository, const PlanRequest& request, const OpContext& ctx) {
  PITR_ASSIGN(const BackupCatalog backups, BackupCatalog::Load(repository, ctx));
  if (!request.backup_label.empty()) PITR_TRY(CheckBackupLabel(backups, request.backup_label));
  for (const Seals seals : {Seals::kBelieve, Seals::kIgnore}) {
    PITR_ASSIGN(WalCatalog wal, WalCatalog::Load(repository, ctx, seals));
    wal.AddHistories(backups.backups);
    auto planned = PlanFromWhole(repository, request, backups, wal, ctx);
    // A search reads what is there: that it met with nothing may be a seal's fault.
    const bool absent = planned.code() == Code::kNotFound || planned.code() == Code::kCorruption;
    if (absent && seals == Seals::kBelieve && !wal.sealed().empty()) continue;
    PITR_ASSIGN(RestorePlan plan, std::move(planned));
    std::vector<SegmentRange> needed;
    for (const WalSpan& span : plan.wal) needed.push_back({span.timeline, span.first, span.last});
    const uint64_t sealed = SealedSegments(wal.sealed(), needed, repository.segment_size());
    if (sealed > kMaxLookedAt) {
      plan.notes.push_back("Of the WAL, " + std::to_string(sealed) +
                           " segments were not looked at: seals say that they are stored. pg_pitr verify looks at "
                           "all of them.");
      return plan;
    }
    PITR_ASSIGN(const bool hold, SealsHold(repository, wal.sealed(), needed, ctx));
    if (hold) return plan;
  }
  return Status(Code::kInternal, "a plan without seals was not believed");
}

}  // namespace pitr
