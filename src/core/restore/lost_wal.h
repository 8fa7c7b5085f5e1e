// WAL of a restored server's own timeline that is gone: neither stored nor in pg_wal any more, because nothing was
// archived while it ran as a copy. A recovery from an older backup ends before it. Reads only; any thread.
#pragma once
#include <string>
#include <vector>

#include "core/repo/repository.h"
#include "core/restore/cluster_tree.h"
#include "core/restore/restore_mark.h"
#include "core/restore/wal_path.h"

namespace pitr {

struct LostWal {
  Timeline timeline;             // the server's own; invalid: it has not begun one
  std::vector<WalSpan> missing;  // ascending
  uint64_t waiting = 0;          // segments that are in pg_wal only; the newest may be unfinished
  Status foreign;                // a conflict when what is stored of the timeline was written by another server
};

// `tree` is the data directory with its WAL (OpenWithWal). Of what both have, the oldest segment and the newest but one
// are compared. Errors of the directory and the store.
Result<LostWal> FindLostWal(const Repository& repository, const ClusterTree& tree, const RestoreMark& mark,
                            const OpContext& ctx);

}  // namespace pitr
