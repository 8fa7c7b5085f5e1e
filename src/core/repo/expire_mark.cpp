#include "core/repo/expire_mark.h"

#include "core/repo/json_fields.h"

namespace pitr {

Status CreateExpireMark(const Repository& repository, const std::string& label, const std::string& by,
                        const OpContext& ctx) {
  Json mark = {{"pg_pitr_expire", 1}, {"label", label}, {"marked_micros", ctx.clock->WallMicros()}};
  PutText(mark, "marked_by", by);
  Status created =
      repository.CreateObject(ObjectKind::kExpireMark, layout::BackupKey(label, layout::BackupObject::kExpireMark),
                              AsBytes(JsonText(mark)), ctx);
  return created.code() == Code::kAlreadyExists ? Status::Ok() : created;
}

Status CheckNotExpiring(const Repository& repository, const std::string& label, layout::BackupObject witness,
                        const OpContext& ctx) {
  // In this order: the mark goes last, so without one the witness tells whether it was never there or is gone again.
  const auto mark = repository.store().Stat(layout::BackupKey(label, layout::BackupObject::kExpireMark), ctx);
  if (!mark.ok() && mark.code() != Code::kNotFound) return mark.status();
  if (!mark.ok()) {
    const auto there = repository.store().Stat(layout::BackupKey(label, witness), ctx);
    if (there.code() != Code::kNotFound) return there.status();
  }
  return Status(Code::kConflict, "backup \"" + label + "\" is being expired")
      .WithDetail("Somebody has begun to delete it, or has done so.")
      .WithHint("Choose another backup; pg_pitr expire finishes what was begun.");
}

}  // namespace pitr
