// What earlier restores into a directory have set aside and nobody has removed since: it takes room, and nothing
// uses it.
#pragma once
#include <string>
#include <vector>

#include "core/repo/repository.h"
#include "core/restore/cluster_tree.h"

namespace pitr {

struct EarlierAside {
  std::string path;      // absolute
  uint64_t bytes = 0;    // of the files in it
  bool has_wal = false;  // WAL that belongs into the repository and is not there, or of which that is not known
};

struct EarlierAsides {
  std::vector<EarlierAside> found;
  // Those of `found` that no directory of the restored cluster holds: tablespaces that are not its own any more. The
  // next restore's mark remembers them.
  std::vector<std::string> elsewhere;
};

// Looks in the data directory, in pg_wal, in the tablespaces of `tree`, where the mark of the last restore
// says, and at `interrupted`, what the restore that this one continues set aside elsewhere; `except`: the name that
// this restore itself uses. Reads WAL that is there and the repository's; blocks. Errors: only kCancelled.
Result<EarlierAsides> FindEarlierAsides(const Repository& repository, const ClusterTree& tree,
                                        const std::string& except, const std::vector<std::string>& interrupted,
                                        const OpContext& ctx);

// Sentences with the commands that save and remove them; empty when there are none.
std::string DescribeEarlierAsides(const EarlierAsides& asides);

}  // namespace pitr
