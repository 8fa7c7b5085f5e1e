#include "core/restore/plan.h"

#include <algorithm>

#include "core/restore/plan_objects.h"
#include "core/restore/plan_target.h"

namespace pitr {
namespace {

// For the estimate only: what a modest machine and network do.
constexpr double kRestoreBytesPerSecond = 120e6;
constexpr double kFetchBytesPerSecond = 60e6;
constexpr double kReplaySegmentsPerSecond = 8;

Result<Timeline> ChooseTimeline(const PlanRequest& request, const BackupCatalog& backups, const WalCatalog& wal) {
  if (request.target.timeline) return *request.target.timeline;
  if (request.target.timeline_current) {
    const BackupManifest* backup = !request.backup_label.empty() ? backups.Find(request.backup_label)
                                   : backups.backups.empty()     ? nullptr
                                                                 : &backups.backups.back();
    if (backup == nullptr)
      return Status(Code::kInvalidArgument, request.backup_label.empty()
                                                ? "there is no finished backup whose timeline could be followed"
                                                : "there is no backup \"" + request.backup_label + "\"");
    return StopTimeline(*backup);
  }
  const auto newest = WalPath::NewestTimeline(wal);
  if (!newest)
    return Status(Code::kNotFound, "the archive holds no WAL at all")
        .WithHint("Without WAL no backup can be restored. Check pg_pitr info and the server's archiving.");
  return *newest;
}

void AddBackupNotes(const BackupCatalog& backups, const std::vector<Candidate>& candidates, RestorePlan& plan) {
  const std::string& label = plan.backup.label;
  if (backups.expiring.contains(label))
    plan.notes.push_back("Backup " + label + " is marked to be deleted: an expiry is at work on it, or was killed.");
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
  if (!plan.backup.page_errors.empty())
    plan.notes.push_back("The backup was taken with " + std::to_string(plan.backup.page_errors.size()) +
                         " pages that fail their checksum, the first in " + plan.backup.page_errors.front().path +
                         ", block " + std::to_string(plan.backup.page_errors.front().block) + ".");
}

// What other branches hold, and what the server will not replay by itself.
void AddArchiveNotes(const WalCatalog& wal, const WalPath& path, SegmentNo last, RestorePlan& plan) {
  const bool latest = plan.target.kind == TargetKind::kLatest;
  for (const auto& [timeline, held] : wal.timelines()) {
    const auto leaves = path.history().SwitchPoint(timeline);
    const bool on_path = path.history().Includes(timeline);
    const std::string number = std::to_string(timeline.value);
    if (!on_path && !held.ranges.empty()) {
      plan.notes.push_back("Timeline " + number +
                           " is another branch; its transactions are reached with --target-timeline " + number + ".");
    } else if (leaves && !held.ranges.empty() && held.ranges.back().last >= SegmentOf(*leaves, path.segment_size())) {
      plan.notes.push_back("Timeline " + number + " goes on after " + leaves->ToString() +
                           ", where this path leaves it; its later transactions are reached with --target-timeline " +
                           number + ".");
    }
    const SegmentNo next{last.value + 1};
    if (latest && path.TimelineOf(next) == timeline &&
        std::binary_search(held.partials.begin(), held.partials.end(), next))
      plan.notes.push_back("The archive has " + SegmentFileName(timeline, next, path.segment_size()) +
                           ".partial, the unfinished last segment of a server. PostgreSQL does not replay it by "
                           "itself: to use it, fetch it after the "
                           "restore with pg_pitr wal-get into pg_wal and name it without .partial.");
  }
}

int64_t Estimate(const RestorePlan& plan) {
  const double seconds = std::max(static_cast<double>(plan.restore_bytes) / kRestoreBytesPerSecond,
                                  static_cast<double>(plan.fetch_bytes) / kFetchBytesPerSecond) +
                         static_cast<double>(plan.wal_segments) / kReplaySegmentsPerSecond;
  return static_cast<int64_t>(seconds) + 1;
}

}  // namespace

Result<RestorePlan> MakeRestorePlan(const Repository& repository, const PlanRequest& request, const OpContext& ctx) {
  PITR_ASSIGN(const BackupCatalog backups, BackupCatalog::Load(repository, ctx));
  PITR_ASSIGN(const WalCatalog wal, WalCatalog::Load(repository, ctx));
  PITR_ASSIGN(const Timeline timeline, ChooseTimeline(request, backups, wal));
  PITR_ASSIGN(const WalPath path, WalPath::Make(wal, timeline, repository.segment_size()));
  PITR_ASSIGN(const std::vector<Candidate> candidates, FindCandidates(backups, path, request.backup_label));
  PITR_ASSIGN(Resolution resolution, TargetFinder(repository, path, candidates, request.target, ctx).Find());

  RestorePlan plan;
  plan.target = request.target;
  plan.backup = *resolution.from->backup;
  plan.target_timeline = timeline;
  plan.stop = std::move(resolution.stop);
  plan.notes = std::move(resolution.notes);
  const SegmentNo last = std::max(resolution.last_segment, LastSegment(plan.backup));
  if (const auto missing = path.Missing(resolution.from->first, last); !missing.empty())
    return Status(Code::kNotFound, "WAL is missing on the way to the target")
        .WithDetail("Missing: " + DescribeSpan(missing.front(), path.segment_size()) + ".");
  plan.wal = path.Spans(resolution.from->first, last);
  plan.wal_segments = last.value - resolution.from->first.value + 1;
  plan.objects_checked = plan.wal_segments + 1;  // the manifest has been read
  PITR_TRY(CheckBackupObjects(repository, plan, ctx));
  AddBackupNotes(backups, candidates, plan);
  AddArchiveNotes(wal, path, last, plan);
  plan.estimated_seconds = Estimate(plan);
  return plan;
}

}  // namespace pitr
