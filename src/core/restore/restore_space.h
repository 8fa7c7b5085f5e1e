// Whether there is room for what a restore will write.
#pragma once
#include "core/repo/file_map.h"
#include "core/restore/cluster_tree.h"
#include "core/restore/tree_cleaner.h"

namespace pitr {

// By file system, wherever one is mounted in the tree. `cleared`: what will be removed, and what will be copied from
// one file system to another. kInvalidArgument when one has less room than its share of the map needs beyond what is
// there.
Status CheckSpace(const ClusterTree& tree, const FileMap& map, const ClearedTree& cleared);

}  // namespace pitr
