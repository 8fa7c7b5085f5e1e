// One key slot: the repository key wrapped by one passphrase. JSON in an object that is never encrypted
// (docs/format.md, "Key slots"). Pure functions but for random bytes; any thread. Wrapping and unwrapping take about
// 0.1 s and 32 MiB each, on purpose.
#pragma once
#include <string>
#include <string_view>

#include "core/base/kdf.h"
#include "core/repo/envelope/object_codec.h"

namespace pitr {

struct KeySlot {
  std::string repository_id;  // a slot of another repository (left by a creator that lost a race) is ignored
  uint32_t key_number = 0;
  uint32_t slot = 0;
  ScryptCost cost;
  Bytes salt;     // 32 bytes
  Bytes wrapped;  // 32 secret bytes and the tag
  int64_t created_micros = 0;
  std::string object_key() const;
};

// Wraps `key` in a new slot of a random number.
Result<KeySlot> WrapKey(const RepositoryKey& key, const std::string& repository_id, std::string_view passphrase,
                        int64_t created_micros);
// What it costs to open the slots that this process makes from now on. For tests only, which make hundreds: it is what
// a guess of a weak passphrase costs. Before any slot is made; one thread.
void SetCostOfNewSlots(const ScryptCost& cost);

// kInvalidArgument when the passphrase is not the slot's (or the slot was altered: the two cannot be told apart).
Status UnwrapKey(const KeySlot& slot, std::string_view passphrase, RepositoryKey& key);

std::string EncodeKeySlot(const KeySlot& slot);
// `object_key` as the slot was found under. kCorruption naming what is wrong; kInvalidArgument for a newer version.
Result<KeySlot> DecodeKeySlot(std::string_view json, const std::string& object_key);

}  // namespace pitr
