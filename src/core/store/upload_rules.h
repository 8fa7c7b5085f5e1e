// The rules S3 sets for the parts of an upload, enforced alike by the stores that are not S3, so that a
// writer that breaks them fails in every test and not only against a real bucket. Pure functions.
#pragma once
#include <string>
#include <vector>

#include "core/store/object_store.h"

namespace pitr {

struct PartExtent {
  int number = 0;
  uint64_t offset = 0;
  uint64_t length = 0;
};

// kInvalidArgument unless `number` and the body size are within S3's limits.
Status CheckPart(const std::string& key, int number, uint64_t offset, size_t length);

// kInvalidArgument unless the parts are a whole object: at least one, numbers ascending without a gap from 1,
// contiguous from offset 0, all but the last equal in size and at least `min_part_bytes` long.
// Result: the object's size.
Result<uint64_t> CheckParts(const std::string& key, const std::vector<PartExtent>& parts, size_t min_part_bytes);

}  // namespace pitr
