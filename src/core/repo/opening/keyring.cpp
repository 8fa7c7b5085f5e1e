#include "core/repo/opening/keyring.h"

#include "core/repo/layout.h"
#include "core/repo/marker.h"
#include "core/store/absence.h"

namespace pitr {
namespace {

constexpr size_t kMaxSlotBytes = 16384;

Result<KeySlot> ReadKeySlot(ObjectStore& store, const std::string& object_key, const OpContext& ctx) {
  PITR_ASSIGN(const Bytes stored, GetAll(store, object_key, MaxObjectBytes(kMaxSlotBytes), ctx));
  PITR_ASSIGN(const Bytes json, DecodeObject(ObjectKind::kKeySlot, object_key, stored, nullptr, kMaxSlotBytes));
  return DecodeKeySlot(AsText(json), object_key);
}

// Indexes of the slots that `passphrase` opens.
Result<std::vector<size_t>> OpenedBy(const Keyring& keyring, std::string_view passphrase, const OpContext& ctx) {
  std::vector<size_t> opened;
  for (size_t i = 0; i < keyring.slots.size(); i++) {
    PITR_TRY(ctx.Check());
    RepositoryKey key;
    Status status = UnwrapKey(keyring.slots[i], passphrase, key);
    if (status.ok())
      opened.push_back(i);
    else if (status.code() == Code::kInternal)
      return status;
  }
  return opened;
}

Status CheckEncrypted(const Repository& repository, std::string_view passphrase) {
  if (repository.key() == nullptr)
    return Status(Code::kInvalidArgument, "repository " + repository.store().Describe() + " is not encrypted")
        .WithHint("Encryption is decided when a repository is created.");
  if (passphrase.empty()) return {Code::kInvalidArgument, "the passphrase is empty"};
  return Status::Ok();
}

}  // namespace

Result<Keyring> ReadKeyring(ObjectStore& store, const std::string& repository_id, const OpContext& ctx) {
  std::vector<std::string> object_keys;
  PITR_TRY(ListAll(store, std::string(layout::kKeyringPrefix), ctx, [&](const ObjectInfo& object) {
    if (layout::ParseKeySlotKey(object.key)) object_keys.push_back(object.key);
    return Status::Ok();
  }));
  Keyring keyring;
  for (const std::string& object_key : object_keys) {
    auto slot = OrConfirmed(store, object_key, ReadKeySlot(store, object_key, ctx), ctx);
    if (slot.ok()) {
      if (slot.value().repository_id == repository_id) keyring.slots.push_back(std::move(slot).value());
    } else if (slot.code() == Code::kCorruption || slot.code() == Code::kInvalidArgument) {
      keyring.damaged.push_back({object_key, std::move(slot).status()});
    } else if (slot.code() != Code::kNotFound) {  // removed since it was listed
      return std::move(slot).status();
    }
    if (keyring.slots.size() > kMaxKeySlots)
      return Status(Code::kCorruption, "there are more than " + std::to_string(kMaxKeySlots) + " key slots");
  }
  return keyring;
}

Result<std::unique_ptr<RepositoryKey>> Unlock(const Keyring& keyring, std::string_view passphrase,
                                              const OpContext& ctx) {
  auto key = std::make_unique<RepositoryKey>();
  for (const KeySlot& slot : keyring.slots) {
    PITR_TRY(ctx.Check());
    Status status = UnwrapKey(slot, passphrase, *key);
    if (status.ok()) return key;
    if (status.code() == Code::kInternal) return status;
  }
  if (!keyring.damaged.empty()) return keyring.damaged[0].status;
  if (keyring.slots.empty())
    return Status(Code::kCorruption, "the repository is encrypted and its key slots are missing")
        .WithHint(HowToWriteAgain("them") +
                  " Or restore the objects under \"keys/\" from a copy of the repository. Nothing can be read without "
                  "them.");
  const size_t slots = keyring.slots.size();
  return Status(Code::kInvalidArgument,
                slots == 1 ? "the passphrase does not open the key slot"
                           : "the passphrase opens none of the " + std::to_string(slots) + " key slots");
}

Status CreateKeySlot(ObjectStore& store, const KeySlot& slot, const OpContext& ctx) {
  const std::string json = EncodeKeySlot(slot);
  PITR_ASSIGN(const Bytes stored, EncodeObject(ObjectKind::kKeySlot, slot.object_key(), AsBytes(json), nullptr, 0));
  return store.Create(slot.object_key(), stored, ctx);
}

Result<KeySlot> AddPassphrase(const Repository& repository, std::string_view passphrase, const OpContext& ctx) {
  PITR_TRY(CheckEncrypted(repository, passphrase));
  const std::string& id = repository.marker().repository_id;
  PITR_ASSIGN(const Keyring keyring, ReadKeyring(repository.store(), id, ctx));
  if (keyring.slots.size() >= kMaxKeySlots)
    return Status(Code::kInvalidArgument, "there are already " + std::to_string(kMaxKeySlots) + " key slots")
        .WithHint("Remove a passphrase that is no longer used.");
  PITR_ASSIGN(const std::vector<size_t> opened, OpenedBy(keyring, passphrase, ctx));
  if (!opened.empty()) return Status(Code::kAlreadyExists, "the passphrase already opens the repository");
  PITR_ASSIGN(KeySlot slot, WrapKey(*repository.key(), id, passphrase, ctx.clock->WallMicros()));
  PITR_TRY(CreateKeySlot(repository.store(), slot, ctx));
  return slot;
}

Result<std::vector<ListedKeySlot>> ListKeySlots(const Repository& repository, std::string_view passphrase,
                                                const OpContext& ctx) {
  PITR_TRY(CheckEncrypted(repository, passphrase));
  PITR_ASSIGN(const Keyring keyring, ReadKeyring(repository.store(), repository.marker().repository_id, ctx));
  PITR_ASSIGN(const std::vector<size_t> opened, OpenedBy(keyring, passphrase, ctx));
  std::vector<ListedKeySlot> slots;
  for (const KeySlot& slot : keyring.slots) slots.push_back({slot.object_key(), slot.created_micros, false, {}});
  for (const size_t i : opened) slots[i].opened = true;
  for (const DamagedKeySlot& slot : keyring.damaged) slots.push_back({slot.object_key, 0, false, slot.status});
  return slots;
}

Result<int> RemovePassphrase(const Repository& repository, std::string_view passphrase, const OpContext& ctx) {
  PITR_TRY(CheckEncrypted(repository, passphrase));
  const std::string& id = repository.marker().repository_id;
  ObjectStore& store = repository.store();
  PITR_ASSIGN(const Keyring keyring, ReadKeyring(store, id, ctx));
  PITR_ASSIGN(const std::vector<size_t> opened, OpenedBy(keyring, passphrase, ctx));
  if (opened.empty())
    return Status(Code::kNotFound, "the passphrase opens no key slot")
        .WithHint("Nothing was removed. pg_pitr key list shows the slots.");
  if (opened.size() == keyring.slots.size())
    return Status(Code::kInvalidArgument, "the last passphrase cannot be removed")
        .WithHint("Without it every backup would be lost. Add another passphrase first.");
  std::vector<std::string> keys;
  for (size_t i : opened) keys.push_back(keyring.slots[i].object_key());
  PITR_TRY(store.Delete(keys, ctx));
  // Somebody else may have removed the others meanwhile; then one of ours goes back.
  PITR_ASSIGN(const Keyring left, ReadKeyring(store, id, ctx));
  if (left.slots.empty()) {
    PITR_TRY(CreateKeySlot(store, keyring.slots[opened[0]], ctx));
    return Status(Code::kConflict, "another process removed the other passphrases at the same time")
        .WithHint("The passphrase still opens the repository. Try again.");
  }
  return static_cast<int>(opened.size());
}

}  // namespace pitr
