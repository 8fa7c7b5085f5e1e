// Shared memory: requested and created by the postmaster, used by everybody under one lock.
#include "server/shmem.h"

#include "core/store/retry_watch.h"
#include "server/resume_recovery.h"

extern "C" {
#include "storage/ipc.h"
#include "storage/shmem.h"
}

namespace pitr::server {
namespace {

constexpr char kTranche[] = "pg_pitr";
shmem_request_hook_type previous_request_hook = nullptr;
shmem_startup_hook_type previous_startup_hook = nullptr;
SharedState* shared_state = nullptr;

void RequestHook() {
  if (previous_request_hook) previous_request_hook();
  RequestAddinShmemSpace(MAXALIGN(sizeof(SharedState)));
  RequestNamedLWLockTranche(kTranche, 1);
}

void StartupHook() {
  if (previous_startup_hook) previous_startup_hook();
  bool found = false;
  LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
  auto* shared = static_cast<SharedState*>(ShmemInitStruct("pg_pitr", sizeof(SharedState), &found));
  if (!found) {
    shared = new (shared) SharedState{};
    shared->lock = &GetNamedLWLockTranche(kTranche)->lock;
  }
  shared_state = shared;
  LWLockRelease(AddinShmemInitLock);
  ResumeRecovery();
}

}  // namespace

void RequestSharedMemory() {
  previous_request_hook = shmem_request_hook;
  shmem_request_hook = RequestHook;
  previous_startup_hook = shmem_startup_hook;
  shmem_startup_hook = StartupHook;
}

SharedState* Shared() { return shared_state; }

SharedState* RequireShared() {
  if (shared_state == nullptr) {
    RaiseFromCpp(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, "pg_pitr is not in shared_preload_libraries",
                 "Backups, their progress and the archiver's state are kept in shared memory.",
                 "Add pg_pitr to shared_preload_libraries in postgresql.conf and restart the server.");
  }
  return shared_state;
}

const char* BackupPhaseName(BackupPhase phase) {
  switch (phase) {
    case BackupPhase::kNone:
      return "none";
    case BackupPhase::kStarting:
      return "starting";
    case BackupPhase::kCheckpoint:
      return "waiting for checkpoint";
    case BackupPhase::kCopying:
      return "copying files";
    case BackupPhase::kStopping:
      return "ending backup mode";
    case BackupPhase::kWaitingForWal:
      return "waiting for WAL";
    case BackupPhase::kFinishing:
      return "writing manifest";
    case BackupPhase::kExpiring:
      return "expiring older backups";
    case BackupPhase::kAbandoning:
      return "cleaning up";
    case BackupPhase::kDone:
      return "done";
    case BackupPhase::kFailed:
      return "failed";
  }
  return "unknown";
}

RetryState RetryOfThisProcess() {
  RetryState state;
  if (const auto retry = LongestRetry()) {
    state.failure.Set(retry->failure);
    state.gives_up_micros = retry->gives_up_micros;
  }
  return state;
}

PlainError HoldOfArchiving() {
  PlainError hold;
  WithShared(LW_SHARED, [&](SharedState& shared) {
    if (shared.archiver.held) hold = shared.archiver.error;
  });
  return hold;
}

}  // namespace pitr::server
