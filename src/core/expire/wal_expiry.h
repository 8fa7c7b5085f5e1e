// Deletes WAL that no backup needs, and the change maps of it. Lists what it deletes and little else: of a timeline
// that is followed from some segment on, what lies before that. Memory: kWalBatch objects.
#pragma once
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "core/expire/expire_plan.h"
#include "core/expire/wal_need.h"
#include "core/repo/wal_group.h"

namespace pitr {

inline constexpr size_t kWalBatch = 10000;

// Deletes the objects of `garbage.data`, and takes what the store would not delete out of its row.
using RemoveGarbage = std::function<Status(Garbage& garbage)>;

struct WalExpiryReport {
  std::vector<ExpireRow> rows;   // one for each run of segments, first of their change maps, then of the WAL
  std::set<WalGroup> broken;     // groups whose seals were broken
  std::vector<ExpireRow> stuck;  // seals that the store would not delete: nothing of their groups was deleted
};

// First the change maps of what `need` does not need on `timelines`, then the WAL: a map goes with its segment, and is
// never what is left of a timeline. A group's seal is broken before anything of the group is deleted; CheckBroken()
// is for afterwards. With `dry_run` nothing is deleted. Errors are those of the store.
Result<WalExpiryReport> ExpireWal(const Repository& repository, const WalNeed& need, const WalCatalog& wal,
                                  bool dry_run, const RemoveGarbage& remove, const OpContext& ctx);

// Somebody may have sealed a group, of which he had seen everything, while it was being emptied.
Status CheckBroken(const Repository& repository, const std::set<WalGroup>& broken, const OpContext& ctx);

}  // namespace pitr
