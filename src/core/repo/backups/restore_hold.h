// Holds: what a restore creates so that no expiry deletes the backup, nor any WAL from the backup's start on, while it
// is being restored and its WAL replayed (docs/format.md, section 10; docs/design/007-restore-holds.md). A hold ends by
// itself, by the store's clock; it is renewed by creating another one.
#pragma once
#include <cstdint>
#include <string>

#include "core/repo/repository.h"

namespace pitr {

// No hold lasts longer.
inline constexpr int64_t kMaxHoldMicros = int64_t{INT32_MAX} * 1000;

struct RestoreHold {
  std::string label;
  uint32_t slot = 0;           // random; part of the key
  std::string held_by;         // host and process, for the operator
  int64_t created_micros = 0;  // by the store's clock
  int64_t lasts_micros = 0;
  bool readable = true;  // false: damaged or of a newer version; it lasts as long as any may
  int64_t EndMicros() const { return created_micros + lasts_micros; }
  bool HoldsAt(int64_t wall_micros) const { return EndMicros() > wall_micros; }
};

// Creates a hold and looks for nothing: the caller then looks for marks (expire_mark.h). The slot of the hold.
// kInvalidArgument: `lasts_micros` is not between 1 and kMaxHoldMicros; otherwise what the store says.
Result<uint32_t> CreateHold(const Repository& repository, const std::string& label, int64_t lasts_micros,
                            const std::string& by, const OpContext& ctx);
Status RemoveHold(const Repository& repository, const std::string& label, uint32_t slot, const OpContext& ctx);

// `created_micros` is what the store says of the object. Errors are those of the store, and kNotFound.
Result<RestoreHold> ReadHold(const Repository& repository, const std::string& label, uint32_t slot,
                             int64_t created_micros, const OpContext& ctx);

}  // namespace pitr
