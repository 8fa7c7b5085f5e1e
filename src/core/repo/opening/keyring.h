// The key slots of a repository: opening it with a passphrase, and adding and removing passphrases. Slots are small
// objects of their own, so rotation rewrites nothing. Any thread; two rotations at the same time see each other's slots
// or not, but never leave none.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/repo/opening/key_slot.h"
#include "core/repo/repository.h"
#include "core/store/object_store.h"

namespace pitr {

inline constexpr size_t kMaxKeySlots = 32;  // each costs 0.1 s when opening with a passphrase that is none of theirs

struct DamagedKeySlot {
  std::string object_key;
  Status status;  // why it could not be read
};

struct Keyring {
  std::vector<KeySlot> slots;  // of this repository, ascending by object key
  std::vector<DamagedKeySlot> damaged;
};

// Reads every slot of `repository_id`; those of other repositories are left out. kCorruption when there are more than
// kMaxKeySlots.
Result<Keyring> ReadKeyring(ObjectStore& store, const std::string& repository_id, const OpContext& ctx);

// kInvalidArgument when no slot opens; kCorruption when there is none to try.
Result<std::unique_ptr<RepositoryKey>> Unlock(const Keyring& keyring, std::string_view passphrase,
                                              const OpContext& ctx);

// Stores a slot. Errors as ObjectStore::Create.
Status CreateKeySlot(ObjectStore& store, const KeySlot& slot, const OpContext& ctx);

// Lets `passphrase` open the repository too. The repository is open, so the old one is known. kAlreadyExists when it
// already does; kInvalidArgument when the repository is not encrypted, the passphrase is empty, or there are
// kMaxKeySlots.
Result<KeySlot> AddPassphrase(const Repository& repository, std::string_view passphrase, const OpContext& ctx);

// The slots of the repository, and which of them `passphrase` opens. kInvalidArgument when it is not encrypted.
struct ListedKeySlot {
  std::string object_key;
  int64_t created_micros = 0;
  bool opened = false;  // by `passphrase`
  Status damage;        // not ok: it cannot be read, and the rest is not known
};
Result<std::vector<ListedKeySlot>> ListKeySlots(const Repository& repository, std::string_view passphrase,
                                                const OpContext& ctx);

// The slots that `passphrase` opens are removed. kNotFound when it opens none; kInvalidArgument when no other
// passphrase would be left. Result: how many slots were removed. Data written before stays readable for whoever kept
// the repository key.
Result<int> RemovePassphrase(const Repository& repository, std::string_view passphrase, const OpContext& ctx);

}  // namespace pitr
