// What a request for a backup does while another one runs: only one may. Main thread; may throw PgError.
#pragma once
#include "server/shmem.h"

namespace pitr::server {

enum class IfRunning {
  kFail,  // ERRCODE_OBJECT_IN_USE, naming the backup that runs
  kWait,  // until the other has ended, however that is; then its own
  kJoin   // the other is this one as well, if it is as much as what is asked for; else as kWait
};
// kInvalidArgument for another text than 'fail', 'wait' and 'join'.
Result<IfRunning> ParseIfRunning(const std::string& text);

struct BackupTurn {
  uint64_t generation = 0;
  bool joined = false;  // the backup of somebody else: to be waited for, never to be cancelled
};

// The slot, claimed for `request`, or the backup that was joined. Waits without a limit of its own, interruptibly, and
// tells the session what for. `able` is asked again after waiting: the server may have changed.
Result<BackupTurn> TakeBackupTurn(const BackupRequest& request, IfRunning if_running,
                                  Status (*able)(const BackupRequest&));

// "backup "x"", or "a backup" as long as it has no label.
std::string NameOfBackup(const BackupSlot& slot);

}  // namespace pitr::server
