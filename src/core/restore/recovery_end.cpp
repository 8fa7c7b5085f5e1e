#include "core/restore/recovery_end.h"

#include <algorithm>
#include <sstream>

#include "core/pg/control.h"
#include "core/pg/wal_name.h"
#include "core/restore/cut_off_recovery.h"
#include "core/restore/restore_finish.h"
#include "core/restore/restore_state.h"

namespace pitr {
namespace {

// Between the end of a record and the start of the next: alignment and the header of a page.
constexpr uint64_t kMostBetweenRecords = 64;

constexpr std::string_view kPreparedLimit = "max_prepared_transactions";
constexpr std::string_view kPreparedDirectory = "pg_twophase";

// Transactions that are prepared when recovery ends live on, and no server starts that has no room for them. They are
// in files once a checkpoint was taken on the new timeline; a promotion does not wait for one.
bool MayHavePrepared(const ClusterTree& tree, Timeline timeline) {
  const auto files = tree.List(kPreparedDirectory);
  if (!files.ok() || !files.value().empty()) return true;
  const auto control = ReadControlFile(tree.data_directory() + "/" + kControlFilePath);
  return !control.ok() || control.value().data.timeline != timeline;
}

bool Near(Lsn a, Lsn b) { return std::max(a, b).value - std::min(a, b).value <= kMostBetweenRecords; }

bool EndsWherePlanned(const RestoreMark& mark, Lsn lsn) {
  const Lsn segment_later{mark.stop_lsn.value + mark.segment_size_bytes};
  switch (mark.kind) {
    case TargetKind::kLatest:
      // More may have been archived since.
      return lsn > mark.last_segment && lsn >= mark.last_commit_end;
    case TargetKind::kImmediate:
      return lsn >= mark.stop_lsn && lsn <= segment_later;
    default:
      break;
  }
  if (!mark.applied) return lsn <= mark.stop_lsn && Near(lsn, mark.stop_lsn);
  if (mark.stop_end.valid()) return Near(lsn, mark.stop_end);
  return lsn > mark.stop_lsn && lsn <= segment_later;
}

std::string PlannedEnd(const RestoreMark& mark) {
  const std::string on = " on timeline " + std::to_string(mark.timeline.value);
  switch (mark.kind) {
    case TargetKind::kLatest:
      return "at the end of the archive, which was " + mark.stop_lsn.ToString() + on +
             (mark.last_xid == 0 ? ""
                                 : ", with transaction " + std::to_string(mark.last_xid) + ", whose commit ends at " +
                                       mark.last_commit_end.ToString());
    case TargetKind::kImmediate:
      return "at the end of the backup, " + mark.stop_lsn.ToString() + on;
    default:
      return std::string(mark.applied ? "after" : "before") + " the record at " + mark.stop_lsn.ToString() + on;
  }
}

// Everything that the restore wrote and `goes`, unless it was changed since.
template <class Goes>
Result<std::vector<std::string>> RemoveWritten(const ClusterTree& tree, RestoreMark& mark, const Goes& goes) {
  std::vector<RecoverySetting> going, staying;
  std::vector<std::string> names;
  for (const RecoverySetting& setting : mark.settings) (goes(setting) ? going : staying).push_back(setting);
  if (going.empty()) return names;
  auto existing = tree.ReadWhole(kAutoConfPath, kMaxAutoConfBytes);
  if (existing.ok()) {
    PITR_ASSIGN(const struct stat info, tree.Stat(kAutoConfPath));
    const std::string edited = RemoveSettings(AsText(existing.value()), going);
    if (edited != AsText(existing.value()))
      PITR_TRY(tree.WriteWhole(kAutoConfPath, AsBytes(edited), info.st_mode & 07777));
  } else if (existing.code() != Code::kNotFound) {
    return existing.status();
  }
  for (const RecoverySetting& setting : going) names.push_back(setting.name);
  mark.settings = std::move(staying);
  return names;
}

Result<mode_t> ModeOfMark(const ClusterTree& tree) {
  PITR_ASSIGN(const struct stat info, tree.Stat(kRestoreMarkPath));
  return static_cast<mode_t>(info.st_mode & 07777);
}

// The server has opened, and has not left the timeline whose WAL it was to replay up to the target.
Result<std::optional<RecoveryOutcome>> FindUndone(const ClusterTree& tree, const RestoreMark& mark,
                                                  const ControlData& control, const std::optional<TimelineFork>& fork) {
  PITR_ASSIGN(const bool unstarted, tree.Has(kBackupLabelPath));
  const bool opened = control.state == ClusterState::kInProduction || control.state == ClusterState::kShutDown;
  if (unstarted || !opened) return std::optional<RecoveryOutcome>();
  RecoveryOutcome outcome;
  outcome.undone = true;
  outcome.timeline = outcome.parent = TimelineOf(control);
  outcome.text =
      "the recovery is undone: the server opened on timeline " + std::to_string(outcome.timeline.value) +
      ", which it was to leave, with whatever WAL of it lay in pg_wal, also of after the target; planned was " +
      mark.target + ", " + PlannedEnd(mark) + ". ";
  outcome.text += fork ? "It had come to " + fork->lsn.ToString() + " (" + fork->reason + "), and timeline " +
                             std::to_string(fork->timeline.value) +
                             " was to begin there, but the server was killed or stopped before that was complete, and "
                             "started again without " +
                             std::string(kRecoverySignal)
                       : "It was started without " + std::string(kRecoverySignal);
  return std::optional(std::move(outcome));
}

}  // namespace

RecoveryOutcome CompareWithPlan(const RestoreMark& mark, const TimelineFork& fork) {
  RecoveryOutcome outcome;
  outcome.timeline = fork.timeline;
  outcome.parent = fork.parent;
  outcome.lsn = fork.lsn;
  outcome.as_planned = fork.parent == mark.timeline && EndsWherePlanned(mark, fork.lsn);
  outcome.text = "recovery ended at " + fork.lsn.ToString() + " on timeline " + std::to_string(fork.parent.value) +
                 " (" + fork.reason + "), and timeline " + std::to_string(fork.timeline.value) + " began there; ";
  outcome.text +=
      outcome.as_planned ? "so it was planned: " + mark.target : "planned was " + mark.target + ", " + PlannedEnd(mark);
  return outcome;
}

RecoveryOutcome CompareHalted(const RestoreMark& mark, Halt halt, Lsn lsn) {
  RecoveryOutcome outcome;
  outcome.parent = mark.timeline;
  outcome.lsn = lsn;
  outcome.as_planned = EndsWherePlanned(mark, lsn);
  outcome.text = (halt == Halt::kPaused ? "recovery is paused at " : "the server shut down during recovery, at ") +
                 lsn.ToString() + "; ";
  outcome.text +=
      outcome.as_planned ? "so it was planned: " + mark.target : "planned was " + mark.target + ", " + PlannedEnd(mark);
  return outcome;
}

TargetAction ActionAtTarget(const RestoreMark& mark) {
  for (const RecoverySetting& setting : mark.settings) {
    if (setting.name != "recovery_target_action") continue;
    for (const TargetAction action : {TargetAction::kPause, TargetAction::kShutdown})
      if (setting.value == TargetActionName(action)) return action;
  }
  return TargetAction::kPromote;
}

Result<std::optional<RecoveryOutcome>> FindOutcome(const ClusterTree& tree, const RestoreMark& mark) {
  const std::optional<RecoveryOutcome> not_yet;
  PITR_ASSIGN(const bool recovering, HasSignal(tree));
  if (recovering) return not_yet;
  PITR_ASSIGN(const std::optional<TimelineFork> fork, NewestFork(tree, mark.timeline));
  PITR_ASSIGN(const ControlFile control, ReadControlFile(tree.data_directory() + "/" + kControlFilePath));
  if (!fork || TimelineOf(control.data) < fork->timeline) return FindUndone(tree, mark, control.data, fork);
  if (mark.mode == RecoveryMode::kRecover) return std::optional(CompareWithPlan(mark, *fork));
  RecoveryOutcome outcome;
  outcome.as_planned = true;
  outcome.timeline = fork->timeline;
  outcome.parent = fork->parent;
  outcome.lsn = fork->lsn;
  outcome.text = "it was promoted at " + fork->lsn.ToString() + " on timeline " + std::to_string(fork->parent.value) +
                 ", and timeline " + std::to_string(fork->timeline.value) + " began there";
  return std::optional(std::move(outcome));
}

Result<std::optional<RestoreMark>> FinishRecovery(const std::string& data_directory, int64_t now_micros) {
  PITR_ASSIGN(const ClusterTree tree, ClusterTree::OpenWithWal(data_directory));
  PITR_ASSIGN(std::optional<RestoreMark> mark, ReadRestoreMark(tree));
  if (!mark || mark->outcome) return mark;
  PITR_ASSIGN(mark->outcome, FindOutcome(tree, *mark));
  if (!mark->outcome) return mark;
  mark->outcome->seen_micros = now_micros;
  const bool prepared = MayHavePrepared(tree, mark->outcome->timeline);
  PITR_ASSIGN([[maybe_unused]] const auto removed, RemoveWritten(tree, *mark, [&](const RecoverySetting& setting) {
                return !setting.stays && !(prepared && setting.name == kPreparedLimit);
              }));
  for (const RecoverySetting& setting : mark->settings)
    if (!setting.stays)
      mark->outcome->text += "; " + setting.name + " = " + setting.value + " stays in " + std::string(kAutoConfPath) +
                             ", because transactions are prepared, or may be: the server would not start without it. "
                             "When pg_prepared_xacts is empty: ALTER SYSTEM RESET " +
                             setting.name;
  PITR_ASSIGN(const mode_t mode, ModeOfMark(tree));
  PITR_TRY(WriteRestoreMark(tree, *mark, mode));
  return mark;
}

Result<RestoreMark> MarkOfRestored(const ClusterTree& tree) {
  PITR_TRY(CheckRestoreFinished(tree));
  PITR_ASSIGN(const std::optional<RestoreMark> mark, ReadRestoreMark(tree));
  if (mark) return *mark;
  return Status(Code::kNotFound,
                "data directory \"" + tree.data_directory() + "\" was not made by a restore of pg_pitr")
      .WithDetail("It has no file \"" + std::string(kRestoreMarkPath) + "\".")
      .WithHint(
          "Give the data directory of the restored server. If this is it, it was made in another way: nothing says "
          "where its recovery was to end, and nothing of pg_pitr keeps it from archiving.");
}

Result<std::vector<std::string>> TakeOver(const std::string& data_directory) {
  PITR_ASSIGN(const ClusterTree tree, ClusterTree::Open(data_directory));
  PITR_ASSIGN(RestoreMark mark, MarkOfRestored(tree));
  PITR_ASSIGN(std::vector<std::string> removed,
              RemoveWritten(tree, mark, [](const RecoverySetting& setting) { return setting.stays; }));
  mark.taken_over = true;
  mark.as_copy = false;
  PITR_ASSIGN(const mode_t mode, ModeOfMark(tree));
  PITR_TRY(WriteRestoreMark(tree, mark, mode));
  return removed;
}

}  // namespace pitr
