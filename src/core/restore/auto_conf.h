// postgresql.auto.conf in a restored directory, which the server reads last.
#pragma once
#include <map>
#include <string>

#include "core/restore/cluster_tree.h"

namespace pitr {

// Adds what it sets, by name in lower case, without what a restore wrote there: that goes when recovery has ended. One
// that is missing or cannot be understood says nothing.
void ReadAutoConf(const ClusterTree& tree, std::map<std::string, std::string>& values);

}  // namespace pitr
