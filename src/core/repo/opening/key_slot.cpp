#include "core/repo/opening/key_slot.h"

#include "core/base/aead.h"
#include "core/repo/envelope/json_fields.h"
#include "core/repo/layout.h"

namespace pitr {
namespace {

constexpr uint64_t kSlotVersion = 1;
constexpr size_t kSaltBytes = 32;
constexpr size_t kWrappedBytes = 32 + kAeadTagBytes;

// A slot is bound to its repository and place: copied elsewhere it does not open.
std::string AdditionalData(const KeySlot& slot) {
  return std::string("pg_pitr key slot v1") + '\0' + slot.repository_id + '\0' + slot.object_key();
}

Status KeyFor(const KeySlot& slot, std::string_view passphrase, AesGcm& aead) {
  std::array<uint8_t, kAeadKeyBytes> wrapping;
  Status status = Scrypt(passphrase, slot.salt, slot.cost, wrapping);
  if (status.ok()) status = aead.SetKey(wrapping);
  Wipe(wrapping);
  return status;
}

Status HexField(const JsonFields& fields, const char* name, size_t length, Bytes& out) {
  std::string hex;
  PITR_TRY(fields.Text(name, hex));
  std::optional<Bytes> bytes = FromHex(hex);
  if (!bytes || bytes->size() != length) return fields.Wrong(name, std::to_string(length) + " bytes in hexadecimal");
  out = *std::move(bytes);
  return Status::Ok();
}

ScryptCost cost_of_new_slots;

}  // namespace

void SetCostOfNewSlots(const ScryptCost& cost) { cost_of_new_slots = cost; }

std::string KeySlot::object_key() const { return layout::KeySlotKey(key_number, slot); }

Result<KeySlot> WrapKey(const RepositoryKey& key, const std::string& repository_id, std::string_view passphrase,
                        int64_t created_micros) {
  KeySlot slot{repository_id,        key.number,    0, cost_of_new_slots, Bytes(kSaltBytes),
               Bytes(kWrappedBytes), created_micros};
  std::array<uint8_t, sizeof slot.slot> number;
  PITR_TRY(RandomBytes(number));
  slot.slot = LoadLe<uint32_t>(number.data());
  PITR_TRY(RandomBytes(slot.salt));
  AesGcm aead;
  PITR_TRY(KeyFor(slot, passphrase, aead));
  // The salt makes the wrapping key unique, so a fixed nonce is used once only.
  PITR_TRY(aead.Seal({}, AsBytes(AdditionalData(slot)), {}, key.secret, slot.wrapped.data()));
  return slot;
}

Status UnwrapKey(const KeySlot& slot, std::string_view passphrase, RepositoryKey& key) {
  AesGcm aead;
  if (Status status = KeyFor(slot, passphrase, aead); !status.ok())
    return std::move(status).Annotate("key slot \"" + slot.object_key() + "\"");
  Status opened = aead.Open({}, AsBytes(AdditionalData(slot)), {}, slot.wrapped, key.secret.data());
  if (opened.ok()) {
    key.number = slot.key_number;
    return opened;
  }
  Wipe(key.secret);
  if (opened.code() != Code::kCorruption) return opened;
  return {Code::kInvalidArgument, "the passphrase does not open key slot \"" + slot.object_key() + "\""};
}

std::string EncodeKeySlot(const KeySlot& slot) {
  return JsonText({{"pg_pitr_key_slot", kSlotVersion},
                   {"repository_id", slot.repository_id},
                   {"key_number", slot.key_number},
                   {"kdf", "scrypt"},
                   {"n", slot.cost.n},
                   {"r", slot.cost.r},
                   {"p", slot.cost.p},
                   {"salt", ToHex(slot.salt)},
                   {"wrapped", ToHex(slot.wrapped)},
                   {"created", slot.created_micros}});
}

Result<KeySlot> DecodeKeySlot(std::string_view text, const std::string& object_key) {
  const std::string name = "key slot \"" + object_key + "\"";
  const std::optional<layout::KeySlotParts> parts = layout::ParseKeySlotKey(object_key);
  if (!parts) return Status(Code::kCorruption, name + " has a name that is none");
  PITR_ASSIGN(const Json json, ParseJsonObject(text, name));
  const JsonFields fields(json, name);
  KeySlot slot;
  uint64_t version = 0;
  PITR_TRY(fields.Unsigned("pg_pitr_key_slot", version));
  if (version > kSlotVersion)
    return Status(Code::kInvalidArgument, name + " has version " + std::to_string(version))
        .WithHint("Install a newer pg_pitr.");
  PITR_TRY(fields.Text("repository_id", slot.repository_id));
  PITR_TRY(fields.Unsigned32("key_number", slot.key_number));
  if (slot.key_number != parts->key_number)
    return Status(Code::kCorruption, name + " is of another key number than its name says");
  slot.slot = parts->slot;
  std::string kdf;
  PITR_TRY(fields.Text("kdf", kdf));
  if (kdf != "scrypt") return fields.Wrong("kdf", "\"scrypt\"");
  PITR_TRY(fields.Unsigned("n", slot.cost.n));
  PITR_TRY(fields.Unsigned32("r", slot.cost.r));
  PITR_TRY(fields.Unsigned32("p", slot.cost.p));
  PITR_TRY(HexField(fields, "salt", kSaltBytes, slot.salt));
  PITR_TRY(HexField(fields, "wrapped", kWrappedBytes, slot.wrapped));
  PITR_TRY(fields.Signed("created", slot.created_micros));
  return slot;
}

}  // namespace pitr
