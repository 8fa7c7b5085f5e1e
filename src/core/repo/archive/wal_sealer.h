// Seals what is whole (wal_seal.h).
#pragma once
#include <set>

#include "core/repo/archive/wal_catalog.h"
#include "core/repo/repository.h"
#include "core/repo/wal_group.h"

namespace pitr {

// Seals groups of which `catalog` has every segment, at the most kMaxSealedAtOnce, but those in `but`. Looks at each
// object of them twice. Errors are those of the store.
inline constexpr int kMaxSealedAtOnce = 4;
Status SealWholeGroups(const Repository& repository, const WalCatalog& catalog, const std::set<WalGroup>& but,
                       const OpContext& ctx);

}  // namespace pitr
