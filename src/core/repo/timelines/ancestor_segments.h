// WAL segments in pg_wal that were written on an ancestor of the server's own timeline, before its history left it: the
// server has replayed them and shares them with the former primary, which may have been unable to archive them.
#pragma once
#include <string>
#include <vector>

#include "core/pg/history.h"
#include "core/repo/repository.h"

namespace pitr {

// Names, ascending, of the whole segments in `wal_directory` on the path to history.timeline(): never the segment with
// a switch point or a later one, which the child's files repeat, and none whose size or header is not what its name
// says (a recycled one). kUnavailable when the directory cannot be read.
Result<std::vector<std::string>> AncestorSegments(const TimelineHistory& history, const ClusterIdentity& cluster,
                                                  const std::string& wal_directory);

// Those of `names` (ascending) that the repository's listing does not have, ascending. Errors as ObjectStore::List;
// kInvalidArgument for a name that is none.
Result<std::vector<std::string>> NotArchived(const Repository& repository, const std::vector<std::string>& names,
                                             const OpContext& ctx);

}  // namespace pitr
