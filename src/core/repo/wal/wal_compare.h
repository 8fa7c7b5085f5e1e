// Whether a local WAL file and the object stored under its name are the same, and if not, what the operator should
// know.
#pragma once
#include <optional>
#include <string>

#include "core/pg/wal_name.h"
#include "core/repo/repository.h"
#include "core/repo/wal/wal_source.h"

namespace pitr {

struct StoredWal {
  ObjectKind kind = ObjectKind::kWal;
  std::string key;
  std::optional<uint64_t> first_bytes;  // only these are compared, which both must have
};

// Reads both in one pass; memory is a frame or two. Result: the stored size, when they are identical. kConflict with
// sizes, the first difference and what the headers say when not; kCorruption when the stored object cannot be read;
// kNotFound when it is not there (any more).
Result<uint64_t> CompareWithStored(const Repository& repository, const StoredWal& stored, const WalSource& source,
                                   const OpContext& ctx);

// What to tell when `difference`, a conflict from above, is about the whole segment `name`: the stored one may be an
// unfinished copy of it. Reads it once more, into memory.
Status ExplainDifference(const Repository& repository, const WalFileName& name, const WalSource& source,
                         Status difference, const OpContext& ctx);

}  // namespace pitr
