// Whether a local WAL file and the object stored under its name are the same, and if not, what the operator should
// know.
#pragma once
#include <string>

#include "core/repo/repository.h"
#include "core/repo/wal_source.h"

namespace pitr {

// Reads both in one pass; memory is a frame or two. Result: the stored size, when they are identical. kConflict with
// sizes, the first difference and what the headers say when not; kCorruption when the stored object cannot be read;
// kUnavailable when it is gone again.
Result<uint64_t> CompareWithStored(const Repository& repository, const std::string& key, const WalSource& source,
                                   const OpContext& ctx);

}  // namespace pitr
