// Pins: objects of their own that keep a backup from being expired (docs/format.md, section 10). The newest pin of a
// label counts; older ones are what a replacement has not removed yet.
#pragma once
#include <string>

#include "core/repo/repository.h"

namespace pitr {

inline constexpr size_t kMaxPinReasonBytes = 1000;

struct BackupPin {
  std::string label;
  uint32_t slot = 0;  // random; part of the key
  std::string reason;
  std::string pinned_by;      // host and process, for the operator
  int64_t pinned_micros = 0;  // wall clock
  int64_t until_micros = 0;   // 0: until it is removed
  bool readable = true;       // false: damaged or of a newer version; it holds for ever
  bool HoldsAt(int64_t wall_micros) const { return !readable || until_micros == 0 || until_micros > wall_micros; }
};

struct PinRequest {
  std::string label;
  std::string reason;
  int64_t until_micros = 0;
  std::string pinned_by;
};

// Pins a backup; an earlier pin of it is replaced, without a moment in which there is none. kNotFound (no such backup),
// kConflict (it is being expired), kInvalidArgument (reason too long, `until` not in the future).
Result<BackupPin> PinBackup(const Repository& repository, const PinRequest& request, const OpContext& ctx);

// Removes every pin of the backup and says how many there were.
Result<int> UnpinBackup(const Repository& repository, const std::string& label, const OpContext& ctx);

// A pin that cannot be read is one that holds; errors are those of the store, and kNotFound.
Result<BackupPin> ReadPin(const Repository& repository, const std::string& label, uint32_t slot, const OpContext& ctx);

}  // namespace pitr
