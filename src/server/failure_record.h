// The record that a failed backup leaves (core/repo/backups/backup_failure.h), made from the slot in shared memory.
// Main thread.
#pragma once
#include "core/repo/backups/backup_failure.h"
#include "server/shmem.h"

namespace pitr::server {

// `slot`: as it was when the backup failed.
BackupFailure FailureOf(const BackupSlot& slot, const PlainError& error);

// Keeps the record in the data directory, from where the next backup moves it to the repository. Calls nothing of
// PostgreSQL that raises, so that exit hooks may use it. What cannot be written is lost.
void KeepFailure(const BackupFailure& failure) noexcept;

}  // namespace pitr::server
