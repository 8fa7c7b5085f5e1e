// Presence of WAL along the paths that recoveries take.
#include <algorithm>

#include "core/base/describe_size.h"
#include "core/pg/wal_name.h"
#include "core/repo/layout.h"
#include "core/restore/branch_choice.h"
#include "core/restore/wal_gaps.h"
#include "core/verify/wal_verify.h"

namespace pitr {
namespace {

constexpr char kPushHint[] =
    "If the files are still in a server's pg_wal, push them with pg_pitr wal-push; otherwise take a new backup.";

// Missing segments that follow each other, and the backups that cannot become consistent without them.
struct Hole {
  WalSpan span;
  bool reachable = false;  // it cuts what the backups of a timeline that goes on would reach
  std::vector<std::string> needed_by;
};

bool Within(const WalSpan& inner, const WalSpan& outer) {
  return inner.timeline == outer.timeline && inner.first >= outer.first && inner.last <= outer.last;
}

class ChainCheck {
 public:
  ChainCheck(const Repository& repository, const BackupCatalog& backups, const WalCatalog& wal,
             const std::vector<Timeline>& going_on, FindingList& findings)
      : segment_size_(repository.segment_size()),
        backups_(backups),
        wal_(wal),
        going_on_(going_on),
        findings_(findings) {}

  bool GoesOn(Timeline timeline) const {
    return std::find(going_on_.begin(), going_on_.end(), timeline) != going_on_.end();
  }

  void CheckHistories() {
    for (const auto& [timeline, held] : wal_.timelines()) {
      if (timeline.value == 1 || held.history) continue;
      const std::string name = HistoryFileName(timeline);
      Finding finding;
      finding.object = layout::WalKey(name);
      finding.problem = held.history_problem.ok() ? "missing" : "corrupt";
      finding.detail = held.history_problem.ok()
                           ? "The history file of timeline " + std::to_string(timeline.value) + " does not exist."
                           : held.history_problem.message() + ".";
      finding.hurts = "Recovery cannot follow timeline " + std::to_string(timeline.value) +
                      " from a backup of an older one: it is not known where it left its parent.";
      finding.hint = kPushHint;
      // A repository that was begun by a server of this timeline.
      const bool of_older =
          std::any_of(backups_.backups.begin(), backups_.backups.end(),
                      [timeline = timeline](const BackupManifest& backup) { return backup.timeline < timeline; });
      if (held.history_problem.ok() && !of_older && !backups_.backups.empty()) {
        finding.severity = Severity::kWarning;
        finding.hurts = "Nothing that is here: no backup is of an older timeline.";
        finding.hint = "The server that writes it archives the file again at its next start or backup, if it has it.";
      }
      findings_.Add(std::move(finding));
    }
  }

  void AddNeeds(const BackupManifest& backup) {
    const WalPath path = PathOfBackup(wal_, backup, segment_size_);
    if (path.HasWalOf(backup)) return;
    for (const WalSpan& missing : path.Missing(FirstSegment(backup), LastSegment(backup))) {
      const auto hole = std::find_if(holes_.begin(), holes_.end(), [&](const Hole& each) {
        return Within(missing, each.span) || Within(each.span, missing);
      });
      if (hole == holes_.end()) {
        holes_.push_back({missing, false, {backup.label}});
      } else {
        hole->needed_by.push_back(backup.label);
      }
    }
  }

  void AddGaps(Timeline target) {
    auto path = WalPath::Make(wal_, target, segment_size_);
    if (!path.ok()) return;  // the history file, of which CheckHistories speaks
    for (const auto& [missing, expired] : FindGaps(path.value(), backups_)) {
      if (expired == Expired::kWhole) continue;
      const auto known = std::find_if(holes_.begin(), holes_.end(),
                                      [&missing = missing](const Hole& hole) { return Within(missing, hole.span); });
      if (known == holes_.end()) holes_.push_back({missing, GoesOn(target) && expired == Expired::kNo, {}});
    }
  }

  void Report() {
    for (const Hole& hole : holes_) {
      Finding finding;
      finding.severity = hole.reachable || !hole.needed_by.empty() ? Severity::kDamage : Severity::kWarning;
      finding.problem = hole.span.first == hole.span.last ? "missing" : "gap";
      finding.object = layout::WalKey(SegmentFileName(hole.span.timeline, hole.span.first, segment_size_));
      finding.detail = "WAL is missing: " + DescribeSpan(hole.span, segment_size_) + ".";
      finding.hint = kPushHint;
      DescribeWalHarm(backups_, wal_, going_on_, segment_size_, finding, hole.span.last);
      findings_.Add(std::move(finding));
    }
  }

  // WAL is removed from its old end; what an earlier verification saw at the new end must be there.
  void CheckEnd(const std::vector<VerifyRecord>& earlier) {
    for (const Timeline timeline : going_on_) CheckEndOf(timeline, earlier);
  }

 private:
  void CheckEndOf(Timeline timeline, const std::vector<VerifyRecord>& earlier) {
    const std::vector<WalRange>& ranges = wal_.timelines().at(timeline).ranges;
    for (auto result = earlier.rbegin(); result != earlier.rend(); ++result) {
      const auto seen = result->newest_wal.find(timeline.value);
      if (seen == result->newest_wal.end()) continue;
      const auto name = ParseWalFileName(seen->second, segment_size_);
      if (!name || ranges.empty() || name->segment <= ranges.back().last) return;
      Finding finding;
      finding.problem = "gap";
      const WalSpan span{timeline, SegmentNo{ranges.back().last.value + 1}, name->segment};
      finding.object = layout::WalKey(SegmentFileName(span.timeline, span.first, segment_size_));
      finding.detail =
          "WAL that an earlier verification saw is not there any more: " + DescribeSpan(span, segment_size_) + ".";
      finding.hint = kPushHint;
      DescribeWalHarm(backups_, wal_, going_on_, segment_size_, finding, span.last);
      findings_.Add(std::move(finding));
      return;
    }
  }

  const uint32_t segment_size_;
  const BackupCatalog& backups_;
  const WalCatalog& wal_;
  const std::vector<Timeline>& going_on_;
  FindingList& findings_;
  std::vector<Hole> holes_;
};

}  // namespace

WalPath PathOfBackup(const WalCatalog& wal, const BackupManifest& backup, uint32_t segment_size) {
  const Timeline stop = StopTimeline(backup);
  if (stop != backup.timeline) {
    if (auto path = WalPath::Make(wal, stop, segment_size); path.ok()) return std::move(path).value();
  }
  return WalPath::Alone(wal, backup.timeline, segment_size);
}

Result<std::vector<Timeline>> TimelinesThatGoOn(const Repository& repository, const BackupCatalog& backups,
                                                const WalCatalog& wal, const OpContext& ctx) {
  PITR_ASSIGN(const BranchTree tree, BranchTree::Load(repository, backups, wal, ctx));
  const RecoveryTarget latest;
  std::vector<Timeline> going_on;
  for (const Branch* branch : BranchChooser(tree, backups, {&latest, nullptr, std::nullopt}).Latest())
    if (wal.timelines().contains(branch->timeline)) going_on.push_back(branch->timeline);
  return going_on;
}

void CheckWalChains(const Repository& repository, const BackupCatalog& backups, const WalCatalog& wal,
                    const std::vector<Timeline>& going_on, const BackupManifest* backup,
                    const std::vector<VerifyRecord>& earlier, FindingList& findings) {
  ChainCheck check(repository, backups, wal, going_on, findings);
  if (backup != nullptr) {
    check.AddNeeds(*backup);
    check.Report();
    return;
  }
  check.CheckHistories();
  for (const Timeline timeline : going_on) check.AddGaps(timeline);
  for (const auto& [timeline, held] : wal.timelines())
    if (!check.GoesOn(timeline)) check.AddGaps(timeline);
  for (const BackupManifest& each : backups.backups) check.AddNeeds(each);
  check.Report();
  check.CheckEnd(earlier);
}

void DescribeWalHarm(const BackupCatalog& backups, const WalCatalog& wal, const std::vector<Timeline>& going_on,
                     uint32_t segment_size, Finding& finding, std::optional<SegmentNo> last_bad) {
  if (const auto partial = layout::ParsePartialSegmentKey(finding.object)) {
    finding.hurts = "Unless the archive has the whole segment, a recovery to its end loses what " + partial->segment +
                    " held when its server died.";
    return;
  }
  const auto name = layout::WalNameOfKey(finding.object);
  const auto parsed = name ? ParseWalFileName(*name, segment_size) : std::nullopt;
  if (!parsed) return;
  if (parsed->kind == WalFileKind::kBackupHistory) finding.hurts = "No recovery reads this file by itself.";
  if (parsed->kind != WalFileKind::kSegment) return;
  std::vector<std::string> before;  // backups that would replay it
  // Along a timeline that goes on if it lies on its path, else along its own.
  WalPath along = WalPath::Alone(wal, parsed->timeline, segment_size);
  for (const Timeline timeline : going_on)
    if (auto path = WalPath::Make(wal, timeline, segment_size);
        path.ok() && path.value().TimelineOf(parsed->segment) == parsed->timeline)
      along = std::move(path).value();
  finding.labels.clear();
  for (const BackupManifest& backup : backups.backups) {
    const WalPath own = PathOfBackup(wal, backup, segment_size);
    const SegmentNo first = FirstSegment(backup), last = LastSegment(backup);
    if (last_bad.value_or(parsed->segment) >= first && parsed->segment <= last &&
        own.TimelineOf(std::max(parsed->segment, first)) == parsed->timeline) {
      finding.labels.push_back(backup.label);
    } else if (last < parsed->segment && along.LeadsFrom(backup)) {
      // Unless it ends earlier, at another gap.
      const auto until = along.UnbrokenUntil(last);
      if (until && until->value + 1 >= parsed->segment.value) before.push_back(backup.label);
    }
  }
  const std::string at = SegmentStart(parsed->segment, segment_size).ToString();
  if (!finding.labels.empty())
    finding.hurts = "It is needed to make " + DescribeList(finding.labels) + " consistent: not restorable without it.";
  if (!before.empty()) {
    if (!finding.hurts.empty()) finding.hurts += " ";
    finding.hurts += "Recovery along timeline " + std::to_string(parsed->timeline.value) + " from " +
                     DescribeList(before) + " ends at " + at + ".";
  }
  if (finding.hurts.empty()) finding.hurts = "No backup that is there needs it.";
  std::sort(finding.labels.begin(), finding.labels.end());
}

}  // namespace pitr
