// Lists parts of what is stored of WAL, without listing the rest. One request per thousand objects.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "core/pg/wal_name.h"
#include "core/repo/repository.h"
#include "core/repo/wal_group.h"

namespace pitr {

// Tells `each` of the whole segments of `range` that are stored, ascending. Errors as ObjectStore::List, and those of
// `each`.
Status ListSegments(const Repository& repository, const SegmentRange& range, const OpContext& ctx,
                    const std::function<Status(SegmentNo segment, const ObjectInfo& object)>& each);

// Keys that begin with `first`, with `last`, or lie between.
struct KeyRange {
  std::string first;
  std::string last;
};

// Tells `each` of the objects whose key begins with `prefix` and is in none of `left_out`, which ascend, and
// `passed`, when given, of each of these in its place. A request more for each of them.
Status ListAllBut(ObjectStore& store, const std::string& prefix, const std::vector<KeyRange>& left_out,
                  const OpContext& ctx, const std::function<Status(const ObjectInfo& object)>& each,
                  const std::function<void(size_t range)>& passed = {});

}  // namespace pitr
