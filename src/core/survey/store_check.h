// Proves that a store keeps the promises that pg_pitr relies on. Writes only under probe/ and removes what it wrote.
#pragma once
#include <vector>

#include "core/base/op_context.h"
#include "core/store/object_store.h"
#include "core/survey/check_row.h"

namespace pitr {

// Every semantic of object_store.h that the format relies on, tried with objects under probe/<random>/: create,
// create-once (one after the other and racing), read, ranged read, absent key, stat, ordered and complete list, upload
// in parts, taken key at completion, abort, delete; and that nothing stands in the way of objects under other prefixes.
// Never fails as a whole: what could not be tried is a row.
std::vector<CheckRow> CheckStore(ObjectStore& store, const OpContext& ctx);

}  // namespace pitr
