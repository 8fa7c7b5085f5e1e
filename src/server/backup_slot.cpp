// Claiming, watching, cancelling and ending the backup slot in shared memory.
#include "server/backup_slot.h"

#include <signal.h>

#include "core/base/clock.h"
#include "core/base/json.h"

namespace pitr::server {

uint64_t ClaimBackup(const BackupRequest& request, BackupSlot& running) {
  RequireShared();
  uint64_t generation = 0;
  WithShared(LW_EXCLUSIVE, [&](SharedState& shared) {
    if (shared.backup.Running()) {
      running = shared.backup;
      return;
    }
    shared.past[shared.backup.generation % kPastBackups] = shared.backup;
    generation = shared.backup.generation + 1;
    shared.backup = BackupSlot{};
    shared.backup.generation = generation;
    shared.backup.phase = BackupPhase::kStarting;
    shared.backup.owner = ThisProcess();
    shared.backup.request = request;
    shared.backup.started_micros = SystemClock().WallMicros();
  });
  return generation;
}

std::unique_ptr<BackupSlot> ReadBackupSlot() {
  auto slot = std::make_unique<BackupSlot>();
  WithShared(LW_SHARED, [&](SharedState& shared) { *slot = shared.backup; });
  return slot;
}

std::unique_ptr<BackupSlot> ReadBackupSlot(uint64_t generation, bool& running) {
  auto slot = std::make_unique<BackupSlot>();
  WithShared(LW_SHARED, [&](SharedState& shared) {
    *slot = shared.backup.generation == generation ? shared.backup : shared.past[generation % kPastBackups];
    running = shared.backup.generation == generation && shared.backup.Running();
  });
  if (slot->generation != generation) slot.reset();
  return slot;
}

bool CancelBackup(uint64_t generation) noexcept {
  SharedState* shared = Shared();
  if (shared == nullptr) return false;
  LWLockAcquire(shared->lock, LW_EXCLUSIVE);
  const bool ours = shared->backup.Running() && (generation == 0 || shared->backup.generation == generation);
  if (ours) {
    shared->backup.cancel_requested = true;
    // The worker leaves its pid only while it lives, and takes this lock to withdraw it.
    if (shared->backup.worker_pid != 0) kill(shared->backup.worker_pid, SIGINT);
  }
  LWLockRelease(shared->lock);
  return ours;
}

bool TakeBackupSlot(uint64_t generation, BackupRequest& request) {
  bool wanted = false;
  WithShared(LW_EXCLUSIVE, [&](SharedState& shared) {
    BackupSlot& slot = shared.backup;
    wanted = slot.generation == generation && slot.phase == BackupPhase::kStarting && slot.worker_pid == 0 &&
             !slot.cancel_requested;
    if (!wanted) return;
    slot.owner = ThisProcess();
    slot.worker_pid = MyProcPid;
    request = slot.request;
  });
  if (!wanted) {
    PlainError error;
    error.Set(ERRCODE_QUERY_CANCELED, "the backup was cancelled before it began");
    EndBackupSlot(generation, BackupPhase::kFailed, &error);
  }
  return wanted;
}

bool WithdrawClaim(const PlainError* why, BackupSlot* withdrawn) noexcept {
  SharedState* shared = Shared();
  if (shared == nullptr) return false;
  LWLockAcquire(shared->lock, LW_EXCLUSIVE);
  BackupSlot& slot = shared->backup;
  const bool ours = !slot.Ended() && slot.worker_pid == 0 && slot.owner == ThisProcess();
  if (ours) {
    if (withdrawn != nullptr) *withdrawn = slot;
    slot.phase = BackupPhase::kFailed;
    slot.ended_micros = SystemClock().WallMicros();
    if (why != nullptr) {
      slot.error = *why;
    } else {
      slot.error.Set(ERRCODE_QUERY_CANCELED, "the session that asked for the backup ended before the backup began");
    }
  }
  LWLockRelease(shared->lock);
  return ours;
}

void EndBackupSlot(uint64_t generation, BackupPhase phase, const PlainError* error) noexcept {
  SharedState* shared = Shared();
  if (shared == nullptr) return;
  LWLockAcquire(shared->lock, LW_EXCLUSIVE);
  if (shared->backup.generation == generation && !shared->backup.Ended()) {
    shared->backup.phase = phase;
    shared->backup.worker_pid = 0;
    shared->backup.ended_micros = SystemClock().WallMicros();
    if (error != nullptr) shared->backup.error = *error;
  }
  LWLockRelease(shared->lock);
}

Result<std::map<std::string, std::string>> ParseAnnotations(const std::string& json) {
  std::map<std::string, std::string> annotations;
  if (json.empty()) return annotations;
  if (json.size() >= kAnnotationBytes) {
    return Status(Code::kInvalidArgument, "annotations are too large")
        .WithDetail("They may have " + std::to_string(kAnnotationBytes - 1) + " bytes.");
  }
  PITR_ASSIGN(const Json parsed, ParseJson(json));
  if (!parsed.is_object())
    return Status(Code::kInvalidArgument, "annotations must be a JSON object")
        .WithHint("For example: '{\"why\": \"before the upgrade\"}'.");
  for (const auto& [name, value] : parsed.items()) {
    if (value.is_object() || value.is_array()) {
      return Status(Code::kInvalidArgument, "annotation \"" + name + "\" must be a text, a number or a boolean");
    }
    annotations[name] = value.is_string() ? value.get<std::string>() : value.is_null() ? "" : JsonText(value);
  }
  return annotations;
}

}  // namespace pitr::server
