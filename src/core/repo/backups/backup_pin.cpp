#include "core/repo/backups/backup_pin.h"

#include <cstdint>
#include <vector>

#include "core/base/kdf.h"
#include "core/pg/timestamp.h"
#include "core/repo/backups/expire_mark.h"
#include "core/repo/envelope/json_fields.h"
#include "core/repo/layout.h"
#include "core/repo/manifest.h"
#include "core/store/absence.h"

namespace pitr {
namespace {

constexpr size_t kMaxPinBytes = size_t{1} << 16;
constexpr uint64_t kPinVersion = 1;

Status CheckExists(const Repository& repository, const std::string& label, const OpContext& ctx) {
  if (layout::IsValidLabel(label)) {
    Status there = repository.store().Stat(layout::BackupKey(label, layout::BackupObject::kManifest), ctx).status();
    if (there.code() != Code::kNotFound) return there;
  }
  return NoSuchBackup(label);
}

Result<std::vector<std::string>> PinKeys(const Repository& repository, const std::string& label, const OpContext& ctx) {
  std::vector<std::string> keys;
  PITR_TRY(ListAll(repository.store(), layout::PinPrefix(label), ctx, [&](const ObjectInfo& object) -> Status {
    if (layout::ParsePinKey(object.key)) keys.push_back(object.key);
    return Status::Ok();
  }));
  return keys;
}

std::string EncodePin(const BackupPin& pin) {
  Json document = {{"pg_pitr_pin", kPinVersion},
                   {"label", pin.label},
                   {"pinned_micros", pin.pinned_micros},
                   {"until_micros", pin.until_micros}};
  PutText(document, "reason", pin.reason);
  PutText(document, "pinned_by", pin.pinned_by);
  return JsonText(document);
}

Status DecodePin(const Bytes& plain, BackupPin& pin) {
  PITR_ASSIGN(const Json document, ParseJsonObject(AsText(plain), "pin"));
  const JsonFields fields(document, "pin");
  uint64_t version = 0;
  PITR_TRY(fields.Unsigned("pg_pitr_pin", kPinVersion, version));
  PITR_TRY(fields.Signed("pinned_micros", pin.pinned_micros));
  PITR_TRY(fields.Signed("until_micros", pin.until_micros));
  PITR_TRY(fields.OptionalText("reason", pin.reason));
  return fields.OptionalText("pinned_by", pin.pinned_by);
}

}  // namespace

Result<BackupPin> ReadPin(const Repository& repository, const std::string& label, uint32_t slot, const OpContext& ctx) {
  BackupPin pin;
  pin.label = label;
  pin.slot = slot;
  const std::string key = layout::PinKey(label, slot);
  auto plain =
      OrConfirmed(repository.store(), key, repository.ReadObject(ObjectKind::kBackupPin, key, kMaxPinBytes, ctx), ctx);
  if (plain.ok() && DecodePin(plain.value(), pin).ok()) return pin;
  const Code code = plain.code();
  if (!plain.ok() && code != Code::kCorruption && code != Code::kInvalidArgument) return std::move(plain).status();
  pin.readable = false;
  pin.reason = "unreadable pin " + key;
  pin.until_micros = 0;
  return pin;
}

Result<BackupPin> PinBackup(const Repository& repository, const PinRequest& request, const OpContext& ctx) {
  BackupPin pin;
  pin.pinned_micros = ctx.clock->WallMicros();
  if (request.reason.size() > kMaxPinReasonBytes)
    return Status(Code::kInvalidArgument,
                  "the reason of a pin can have at most " + std::to_string(kMaxPinReasonBytes) + " bytes");
  if (request.until_micros != 0 && request.until_micros <= pin.pinned_micros)
    return Status(Code::kInvalidArgument,
                  "the end of the pin, " + DescribeTimestamp(request.until_micros) + ", is not in the future")
        .WithHint("Write it as '+2 weeks', or as a date and a time of day.");
  PITR_TRY(CheckExists(repository, request.label, ctx));
  pin.label = request.label;
  pin.reason = request.reason;
  pin.pinned_by = request.pinned_by;
  pin.until_micros = request.until_micros;
  PITR_ASSIGN(pin.slot, RandomNumber());
  const std::string key = layout::PinKey(pin.label, pin.slot);
  PITR_TRY(repository.CreateObject(ObjectKind::kBackupPin, key, AsBytes(EncodePin(pin)), ctx));
  const Status held = CheckNotExpiring(repository, pin.label, layout::BackupObject::kManifest, ctx);
  if (!held.ok()) {
    const Status removed = repository.store().Delete({key}, ctx);
    if (!removed.ok()) repository.log().Warning("could not remove \"" + key + "\": " + removed.ToString());
    return held;
  }
  PITR_ASSIGN(std::vector<std::string> older, PinKeys(repository, pin.label, ctx));
  std::erase(older, key);
  if (!older.empty()) PITR_TRY(repository.store().Delete(older, ctx));
  return pin;
}

Result<int> UnpinBackup(const Repository& repository, const std::string& label, const OpContext& ctx) {
  PITR_TRY(CheckExists(repository, label, ctx));
  PITR_ASSIGN(const std::vector<std::string> keys, PinKeys(repository, label, ctx));
  if (!keys.empty()) PITR_TRY(repository.store().Delete(keys, ctx));
  return static_cast<int>(keys.size());
}

}  // namespace pitr
