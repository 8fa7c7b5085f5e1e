#include "core/repo/backups/expire_mark.h"

#include "core/base/process_name.h"
#include "core/repo/envelope/json_fields.h"
#include "core/store/absence.h"

namespace pitr {
namespace {

constexpr size_t kMaxMarkBytes = size_t{1} << 16;

ObjectKind KindOf(layout::BackupObject mark) {
  return mark == layout::BackupObject::kAloneMark ? ObjectKind::kAloneMark : ObjectKind::kExpireMark;
}

Status DecodeMark(const Bytes& plain, ExpireMark& mark) {
  PITR_ASSIGN(const Json document, ParseJsonObject(AsText(plain), "mark"));
  const JsonFields fields(document, "mark");
  PITR_TRY(fields.Signed("marked_micros", mark.marked_micros));
  return fields.OptionalText("marked_by", mark.marked_by);
}

}  // namespace

Status CreateMark(const Repository& repository, const std::string& label, layout::BackupObject mark,
                  const std::string& by, const OpContext& ctx) {
  const char* version = mark == layout::BackupObject::kAloneMark ? "pg_pitr_alone" : "pg_pitr_expire";
  Json document = {{version, 1}, {"label", label}, {"marked_micros", ctx.clock->WallMicros()}};
  PutText(document, "marked_by", by);
  Status created =
      repository.CreateObject(KindOf(mark), layout::BackupKey(label, mark), AsBytes(JsonText(document)), ctx);
  return created.code() == Code::kAlreadyExists ? Status::Ok() : created;
}

Result<std::optional<ExpireMark>> ReadMark(const Repository& repository, const std::string& label,
                                           layout::BackupObject mark, const OpContext& ctx) {
  const std::string key = layout::BackupKey(label, mark);
  auto plain = OrConfirmed(repository.store(), key, repository.ReadObject(KindOf(mark), key, kMaxMarkBytes, ctx), ctx);
  if (plain.code() == Code::kNotFound) return std::optional<ExpireMark>();
  if (!plain.ok() && plain.code() != Code::kCorruption && plain.code() != Code::kInvalidArgument)
    return std::move(plain).status();
  ExpireMark read;
  if (!plain.ok() || !DecodeMark(plain.value(), read).ok()) read = {};
  return std::optional(std::move(read));
}

bool IsLeftBehind(const ExpireMark& mark, int64_t modified_micros, int64_t old_since_micros) {
  if (const auto process = ProcessOfThisHost(mark.marked_by); process && !MayRun(*process)) return true;
  return WasThereAt(modified_micros, old_since_micros);
}

Status CheckNotExpiring(const Repository& repository, const std::string& label, layout::BackupObject witness,
                        const OpContext& ctx) {
  // In this order: the mark goes last, so without one the witness tells whether it was never there or is gone again.
  ObjectStore& store = repository.store();
  const std::string key = layout::BackupKey(label, layout::BackupObject::kExpireMark);
  const auto mark = OrConfirmed(store, key, store.Stat(key, ctx), ctx);
  if (!mark.ok() && mark.code() != Code::kNotFound) return mark.status();
  if (!mark.ok()) {
    PITR_ASSIGN(const bool there, IsThere(store, layout::BackupKey(label, witness), ctx));
    if (there) return Status::Ok();
  }
  return Status(Code::kConflict, "backup \"" + label + "\" is being expired")
      .WithDetail("Somebody has begun to delete it, or has done so.")
      .WithHint(
          "Choose another backup; pg_pitr expire finishes what was begun, or, where the settings keep the backup and "
          "the expiry that marked it has ended, takes the mark back.");
}

}  // namespace pitr
