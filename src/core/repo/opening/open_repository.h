// Opens and creates repositories: finds the marker, and with the passphrase the key.
#pragma once
#include <memory>

#include "core/base/log.h"
#include "core/base/op_context.h"
#include "core/config/config.h"
#include "core/pg/lsn.h"
#include "core/repo/marker.h"
#include "core/repo/repository.h"
#include "core/store/object_store.h"

namespace pitr {

// The marker of the repository in `store`. kNotFound when there is none, kCorruption, kInvalidArgument for a newer
// format.
Result<RepositoryMarker> ReadMarker(ObjectStore& store, const OpContext& ctx);

// kNotFound when there is no marker (hint: check the setting; archiving creates the repository), kInvalidArgument for
// a wrong or missing passphrase or an unencrypted repository with a passphrase set, kInvalidArgument for a newer
// format.
Result<std::unique_ptr<Repository>> OpenRepository(const Config& config, Log& log, const OpContext& ctx);

// As OpenRepository; creates the repository when no marker exists and nothing else is stored under the prefix
// (kConflict otherwise). Two creators racing: one marker wins, the other checks itself against it. Then checks the
// cluster as Repository::CheckCluster does.
Result<std::unique_ptr<Repository>> OpenOrCreateRepository(const Config& config, const ClusterIdentity& cluster,
                                                           Log& log, const OpContext& ctx);

// For tests: an opened repository over a store that the caller made.
Result<std::unique_ptr<Repository>> OpenRepositoryOn(std::unique_ptr<ObjectStore> store, const Config& config, Log& log,
                                                     const OpContext& ctx);
Result<std::unique_ptr<Repository>> OpenOrCreateRepositoryOn(std::unique_ptr<ObjectStore> store, const Config& config,
                                                             const ClusterIdentity& cluster, Log& log,
                                                             const OpContext& ctx);

}  // namespace pitr
