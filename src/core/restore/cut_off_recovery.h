// Recoveries that are cut off. At its end PostgreSQL removes recovery.signal first and then takes a checkpoint, which
// can last minutes (StartupXLOG() in access/transam/xlog.c). A server that dies in between, or one whose signal file
// was removed by hand after it had shut down at its target, starts without recovery the next time: it stays on the old
// timeline and replays what lies in pg_wal, beyond the target. Until it has started it can still be told to recover.
#pragma once
#include <optional>
#include <string>

#include "core/pg/control.h"
#include "core/restore/restore_mark.h"

namespace pitr {

// The one the server is on: a promotion is in pg_control before the first checkpoint on the new timeline is.
Timeline TimelineOf(const ControlData& control);

Result<bool> HasSignal(const ClusterTree& tree);  // recovery.signal or standby.signal

// Whether the recovery that `mark` tells of was cut off, and the server, which does not run, would start without it.
// Of a server that runs it is true also while it takes the checkpoint.
Result<bool> IsCutOff(const ClusterTree& tree, const RestoreMark& mark);

// Writes recovery.signal again where the recovery was cut off, so that the server goes on to its target and stops there
// as it did before; the history file of the timeline that has not begun goes. What was found and done, for the server's
// log; nullopt: there was nothing to do. Only while no server runs there, by its user, or by the postmaster before it
// starts recovery. No threads.
Result<std::optional<std::string>> ResumeCutOff(const std::string& data_directory);

}  // namespace pitr
