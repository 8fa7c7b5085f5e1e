#include "core/repo/backups/restore_hold.h"

#include <algorithm>

#include "core/base/kdf.h"
#include "core/repo/envelope/json_fields.h"
#include "core/repo/layout.h"
#include "core/store/absence.h"

namespace pitr {
namespace {

constexpr size_t kMaxHoldBytes = size_t{1} << 16;
constexpr uint64_t kHoldVersion = 1;

Status DecodeHold(const Bytes& plain, RestoreHold& hold) {
  PITR_ASSIGN(const Json document, ParseJsonObject(AsText(plain), "hold"));
  const JsonFields fields(document, "hold");
  uint64_t version = 0;
  PITR_TRY(fields.Unsigned("pg_pitr_hold", kHoldVersion, version));
  PITR_TRY(fields.Signed("lasts_micros", hold.lasts_micros));
  // By the clock of who made it, where the store does not date it.
  if (hold.created_micros == 0) PITR_TRY(fields.Signed("held_micros", hold.created_micros));
  hold.lasts_micros = std::clamp<int64_t>(hold.lasts_micros, 0, kMaxHoldMicros);
  return fields.OptionalText("held_by", hold.held_by);
}

}  // namespace

Result<uint32_t> CreateHold(const Repository& repository, const std::string& label, int64_t lasts_micros,
                            const std::string& by, const OpContext& ctx) {
  if (lasts_micros <= 0 || lasts_micros > kMaxHoldMicros)
    return Status(Code::kInvalidArgument, "a hold of " + std::to_string(lasts_micros) + " microseconds");
  Json document = {{"pg_pitr_hold", kHoldVersion},
                   {"label", label},
                   {"held_micros", ctx.clock->WallMicros()},
                   {"lasts_micros", lasts_micros}};
  PutText(document, "held_by", by);
  PITR_ASSIGN(const uint32_t slot, RandomNumber());
  PITR_TRY(repository.CreateObject(ObjectKind::kRestoreHold, layout::HoldKey(label, slot), AsBytes(JsonText(document)),
                                   ctx));
  return slot;
}

Status RemoveHold(const Repository& repository, const std::string& label, uint32_t slot, const OpContext& ctx) {
  return repository.store().Delete({layout::HoldKey(label, slot)}, ctx);
}

Result<RestoreHold> ReadHold(const Repository& repository, const std::string& label, uint32_t slot,
                             int64_t created_micros, const OpContext& ctx) {
  RestoreHold hold;
  hold.label = label;
  hold.slot = slot;
  hold.created_micros = created_micros;
  const std::string key = layout::HoldKey(label, slot);
  auto plain = OrConfirmed(repository.store(), key,
                           repository.ReadObject(ObjectKind::kRestoreHold, key, kMaxHoldBytes, ctx), ctx);
  if (plain.ok() && DecodeHold(plain.value(), hold).ok()) return hold;
  const Code code = plain.code();
  if (!plain.ok() && code != Code::kCorruption && code != Code::kInvalidArgument) return std::move(plain).status();
  hold.readable = false;
  hold.held_by = "unreadable hold " + key;
  hold.lasts_micros = kMaxHoldMicros;
  if (hold.created_micros == 0) hold.created_micros = ctx.clock->WallMicros();
  return hold;
}

}  // namespace pitr
