// pg_backup_start() and pg_backup_stop() in transactions of their own, in a process connected to a database. Between
// them the session is in backup mode; when the process ends without stop, PostgreSQL's own exit hook leaves it. Main
// thread; may throw PgError, the transaction then having been aborted.
#pragma once
#include <string>

#include "core/backup/backup_session.h"

namespace pitr::server {

Result<BackupStart> EnterBackupMode(const std::string& label, bool fast);
Result<BackupStop> LeaveBackupMode();

}  // namespace pitr::server
