// Finds out which extents without a checksum in the file map are right on disk, by the block checks in the packs, so
// that they need not be fetched. What cannot be proven stays needed.
#pragma once
#include <vector>

#include "core/base/progress.h"
#include "core/repo/maps/file_map.h"
#include "core/restore/cluster_tree.h"
#include "core/restore/file_prepare.h"
#include "core/restore/known_checks.h"

namespace pitr {

// Takes out of `prepared.needed`, of the files of `map`, what is proven right, and counts what was compared. `known`
// has the checks; damaged ones prove nothing and are no error: verifying a repository finds them. FileError, the
// store's errors. Memory: one pack's checks for each job, beside those that are known.
Status ProveUnchecked(const ClusterTree& tree, const FileMap& map, int jobs, KnownChecks& known, Progress& progress,
                      PreparedFiles& prepared, const OpContext& ctx);

}  // namespace pitr
