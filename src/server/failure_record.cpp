#include "server/failure_record.h"

#include "core/base/clock.h"
#include "core/base/process_name.h"
#include "core/base/thread.h"
#include "server/ready_files.h"

namespace pitr::server {

BackupFailure FailureOf(const BackupSlot& slot, const PlainError& error) {
  BackupFailure failure;
  failure.label = slot.label[0] ? slot.label : slot.request.label;
  failure.type = slot.type[0] ? slot.type : slot.request.type;
  failure.started_micros = slot.started_micros;
  failure.ended_micros = SystemClock().WallMicros();
  if (slot.phase != BackupPhase::kNone) failure.phase = BackupPhaseName(slot.phase);
  failure.sqlstate = unpack_sql_state(error.sqlstate);
  failure.message = error.message;
  failure.detail = error.detail;
  failure.hint = error.hint;
  failure.requested_by = slot.request.requested_by;
  failure.by = ProcessName();
  return failure;
}

void KeepFailure(const BackupFailure& failure) noexcept {
  (void)Guarded([&] { return KeepBackupFailure(kDataDirectory, failure); });
}

}  // namespace pitr::server
