// Whether there is room for what a restore will write.
#pragma once
#include <map>
#include <string>

#include "core/restore/cluster_tree.h"
#include "core/restore/tree_cleaner.h"

namespace pitr {

// By file system, wherever one is mounted in the tree. `to_write`: MapSurvey's, by directory. `cleared`: what will be
// removed, and what will be copied from one file system to another. kInvalidArgument when one has less room than is to
// be written there.
Status CheckSpace(const ClusterTree& tree, const std::map<std::string, uint64_t>& to_write, const ClearedTree& cleared);

}  // namespace pitr
