// Finds out which extents without a checksum in the file map are right on disk, by the block checks in the packs, so
// that they need not be fetched. What cannot be proven stays needed.
#pragma once
#include <vector>

#include "core/base/progress.h"
#include "core/repo/file_map.h"
#include "core/repo/manifest.h"
#include "core/repo/repository.h"
#include "core/restore/cluster_tree.h"
#include "core/restore/file_prepare.h"

namespace pitr {

// Takes out of `prepared.needed`, of the files of `map`, what is proven right, and counts what was compared. One pack's
// checks at a time are in memory for each job. Damaged checks prove nothing and are no error: verifying a repository
// finds them. FileError, the store's errors. `map` is a window of the backup's.
Status ProveUnchecked(const Repository& repository, const BackupManifest& backup, const ClusterTree& tree,
                      const FileMap& map, int jobs, Progress& progress, PreparedFiles& prepared, const OpContext& ctx);

}  // namespace pitr
