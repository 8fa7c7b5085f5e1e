// The one backup that may run, as its caller and its worker share it. Main thread; the functions may throw PgError.
#pragma once
#include <map>
#include <string>

#include "server/shmem.h"

namespace pitr::server {

// Takes the slot for a new backup and returns its generation; 0, and `running` as it is, while another backup runs.
uint64_t ClaimBackup(const BackupRequest& request, BackupSlot& running);

// A copy of the slot. On the heap: it is large.
std::unique_ptr<BackupSlot> ReadBackupSlot();

// The slot as it is or was for the backup `generation`, which may have ended; null when too many have been taken since.
// `running`: whether it still runs.
std::unique_ptr<BackupSlot> ReadBackupSlot(uint64_t generation, bool& running);

// Changes the slot if it still belongs to `generation`; false when it does not.
template <class Fn>
bool UpdateBackupSlot(uint64_t generation, Fn fn) {
  bool ours = false;
  WithShared(LW_EXCLUSIVE, [&](SharedState& shared) {
    ours = shared.backup.generation == generation;
    if (ours) fn(shared.backup);
  });
  return ours;
}

// Asks the worker of `generation` (0: whichever runs) to stop. False when none runs. Makes no PostgreSQL call that
// raises, so that exit hooks may use it.
bool CancelBackup(uint64_t generation) noexcept;

// The worker takes the slot that its caller claimed, and is its owner from now on. False, the slot being ended then,
// when the caller has given up meanwhile; false as well when the slot is another backup's.
bool TakeBackupSlot(uint64_t generation, BackupRequest& request);

// Gives up what this process has claimed and no worker has taken. For the exit hook of a caller, which is there before
// it claims anything. False when there was nothing to give up. `withdrawn`, if given, is then the slot as it was.
bool WithdrawClaim(const PlainError* why = nullptr, BackupSlot* withdrawn = nullptr) noexcept;

// Ends the slot as failed unless it has ended. For exit hooks as well.
void EndBackupSlot(uint64_t generation, BackupPhase phase, const PlainError* error) noexcept;

// A JSON object of strings, numbers and booleans as a map of texts. kInvalidArgument for anything else or when it is
// too large.
Result<std::map<std::string, std::string>> ParseAnnotations(const std::string& json);

}  // namespace pitr::server
