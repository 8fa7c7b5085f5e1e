// The repositories a cluster has archived to, remembered in its data directory, so that an empty mount point or an
// emptied bucket is not taken for a place where a repository is to be made: WAL would be called archived that is far
// from its predecessors.
//
// The file pg_pitr.repository has a line "<repository id> <URL>" for each. It is part of base backups: a restored
// server expects the same repository. Functions may be called from any thread; the file is replaced whole.
#pragma once
#include <memory>
#include <string>

#include "core/repo/repository.h"

namespace pitr {

inline constexpr const char* kKnownRepositoriesFile = "pg_pitr.repository";

// Repository::OpenOrCreate for the server of `data_directory`. A repository that this cluster has used before is never
// created anew: when it is not there the error is kUnavailable, when another stands in its place kConflict; both hints
// name the file.
Result<std::unique_ptr<Repository>> OpenClusterRepository(const Config& config, const ClusterIdentity& cluster,
                                                          const std::string& data_directory, Log& log,
                                                          const OpContext& ctx);

}  // namespace pitr
