// Deletes many objects in batches and tells which ones the store refused.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "core/store/object_store.h"

namespace pitr {

// After so many refused objects the rest is not tried.
inline constexpr size_t kMaxRefusedDeletions = 100;

// Deletes `keys` in their order, kMaxDeleteBatch at a time. The refused ones (locked, or not permitted) with the
// reason; everything else is gone. kUnavailable, kCancelled and kInternal end it; repeating is safe.
Result<std::map<std::string, Status>> DeleteObjects(ObjectStore& store, const std::vector<std::string>& keys,
                                                    const OpContext& ctx);

}  // namespace pitr
