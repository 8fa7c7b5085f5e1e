// Whether what is stored of the beginnings of a segment agrees with a local file of it.
#pragma once
#include <optional>
#include <string>

#include "core/repo/repository.h"
#include "core/repo/wal/wal_source.h"

namespace pitr {

// The stored size when the repository has the first `end` bytes of the segment that `source` is, or more of it, as the
// whole one or a partial one; nullopt when not. kConflict when it has another segment of this name.
Result<std::optional<uint64_t>> StoredUpTo(const Repository& repository, const std::string& segment,
                                           const WalSource& source, uint64_t end, const OpContext& ctx);

// kConflict when a partial segment is stored that is not a beginning of the whole segment `source`: two servers have
// written it.
Status CheckPartialsOf(const Repository& repository, const std::string& segment, const WalSource& source,
                       const OpContext& ctx);

}  // namespace pitr
