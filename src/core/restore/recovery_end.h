// What is done when the recovery of a restored server has ended: the restore's settings are taken out of
// postgresql.auto.conf, and where recovery ended is compared with the plan. Called by recovery_end_command (pg_pitr
// recovery-end) and, should that have been lost, by the archiver. Files of the data directory only; any thread.
#pragma once
#include <optional>
#include <string>

#include "core/pg/history.h"
#include "core/restore/restore_mark.h"
#include "core/restore/timeline_fork.h"

namespace pitr {

// Compares the end of a recovery with the plan. Pure.
RecoveryOutcome CompareWithPlan(const RestoreMark& mark, const TimelineFork& fork);

// The same of a recovery that stopped at `lsn`, the end of the last record that was replayed, and opened no timeline:
// it is paused, or the server has shut down. Pure.
enum class Halt { kPaused, kShutDown };
RecoveryOutcome CompareHalted(const RestoreMark& mark, Halt halt, Lsn lsn);

// What the restored server was told to do at its target. Of a recovery that has not ended.
TargetAction ActionAtTarget(const RestoreMark& mark);

// How the recovery of `mark` ended, by the files of the directory; nullopt: not yet, or not known. A server that opened
// on the timeline it was to leave has undone its recovery (cut_off_recovery.h).
Result<std::optional<RecoveryOutcome>> FindOutcome(const ClusterTree& tree, const RestoreMark& mark);

// For whoever asks about a restored directory: its mark. kConflict while the restore is not finished, kNotFound when
// the directory was not restored; both say what to do.
Result<RestoreMark> MarkOfRestored(const ClusterTree& tree);

// The mark as it is now, with the outcome if there is one. nullopt: the directory was not restored. Without an outcome:
// recovery goes on. Calling again changes nothing.
Result<std::optional<RestoreMark>> FinishRecovery(const std::string& data_directory, int64_t now_micros);

// The operator's word that a restored server, or a copy, continues the cluster: what the restore wrote to keep a copy
// apart goes, archiving is not held any more. The settings that were removed, by name. Errors as MarkOfRestored.
Result<std::vector<std::string>> TakeOver(const std::string& data_directory);

}  // namespace pitr
