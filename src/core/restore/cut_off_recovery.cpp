#include "core/restore/cut_off_recovery.h"

#include <algorithm>

#include "core/pg/history.h"
#include "core/pg/wal_name.h"
#include "core/restore/timeline_fork.h"

namespace pitr {
namespace {

// The server writes it again, with the same number, unless it was archived; a server archives once it has opened, and
// one with archive_mode = always before.
Status ForgetTimeline(const ClusterTree& tree, Timeline timeline) {
  const std::string wal(kWalDirectory), name = HistoryFileName(timeline), mark = wal + "/archive_status/" + name;
  PITR_ASSIGN(const bool archived, tree.Has(mark + ".done"));
  if (archived) return Status::Ok();
  PITR_TRY(tree.Unlink(mark + ".ready"));
  PITR_TRY(tree.Unlink(wal + "/" + name));
  return tree.SyncDirectory(wal);
}

}  // namespace

Timeline TimelineOf(const ControlData& control) { return std::max(control.timeline, control.min_recovery_timeline); }

Result<bool> HasSignal(const ClusterTree& tree) {
  PITR_ASSIGN(const bool recovery, tree.Has(kRecoverySignal));
  return recovery ? true : tree.Has(kStandbySignal);
}

Result<bool> IsCutOff(const ClusterTree& tree, const RestoreMark& mark) {
  if (mark.mode != RecoveryMode::kRecover || mark.outcome) return false;
  PITR_ASSIGN(const bool signal, HasSignal(tree));
  if (signal) return false;
  PITR_ASSIGN(const ControlFile control, ReadControlFile(tree.data_directory() + "/" + kControlFilePath));
  const ControlData& data = control.data;
  const bool ended = data.state != ClusterState::kShuttingDown && data.state != ClusterState::kInArchiveRecovery &&
                     data.state != ClusterState::kShutDownInRecovery;
  // A server that has opened keeps no such point: what it has on disk may be of after the target.
  return !ended && data.min_recovery_point.valid() && !(TimelineOf(data) > mark.timeline);
}

Result<std::optional<std::string>> ResumeCutOff(const std::string& data_directory) {
  PITR_ASSIGN(const ClusterTree tree, ClusterTree::OpenWithWal(data_directory));
  PITR_ASSIGN(const std::optional<RestoreMark> mark, ReadRestoreMark(tree));
  if (!mark) return std::optional<std::string>();
  PITR_ASSIGN(const bool cut_off, IsCutOff(tree, *mark));
  if (!cut_off) return std::optional<std::string>();
  PITR_ASSIGN(const std::optional<TimelineFork> fork, NewestFork(tree, mark->timeline));
  if (fork) PITR_TRY(ForgetTimeline(tree, fork->timeline));
  PITR_TRY(tree.WriteWhole(kRecoverySignal, {}, 0600));
  return std::optional(
      "the recovery of this restored directory has not ended, and recovery.signal was gone (" +
      std::string(fork ? "the server died while recovery ended"
                       : "somebody removed it, or the server died while recovery ended") +
      "): without it PostgreSQL would replay what is in pg_wal beyond the target. It was written again");
}

}  // namespace pitr
