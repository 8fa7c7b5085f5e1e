// An opened repository: the store, whose it is, and the key to read it. Joins store/ with pg/.
// Constant after Open(); all members may be used from several threads.
#pragma once
#include <memory>
#include <string>

#include "core/base/log.h"
#include "core/base/op_context.h"
#include "core/config/config.h"
#include "core/pg/lsn.h"
#include "core/repo/marker.h"
#include "core/repo/object_codec.h"
#include "core/store/object_store.h"

namespace pitr {

// The marker of the repository in `store`. kNotFound when there is none, kCorruption, kInvalidArgument for a newer
// format.
Result<RepositoryMarker> ReadMarker(ObjectStore& store, const OpContext& ctx);

class Repository {
 public:
  // kNotFound when there is no marker (hint: check the setting; archiving creates the repository), kInvalidArgument for
  // a wrong or missing passphrase or an unencrypted repository with a passphrase set, kInvalidArgument for a newer
  // format.
  static Result<std::unique_ptr<Repository>> Open(const Config& config, Log& log, const OpContext& ctx);

  // As Open; creates the repository when no marker exists and nothing else is stored under the prefix (kConflict
  // otherwise). Two creators racing: one marker wins, the other checks itself against it. Then checks the cluster as
  // CheckCluster does.
  static Result<std::unique_ptr<Repository>> OpenOrCreate(const Config& config, const ClusterIdentity& cluster,
                                                          Log& log, const OpContext& ctx);

  // kConflict naming both system identifiers when this repository belongs to another cluster; the hint explains
  // pg_upgrade, a fresh initdb and a copied settings file.
  Status CheckCluster(const ClusterIdentity& cluster) const;

  ObjectStore& store() const { return *store_; }
  const RepositoryMarker& marker() const { return marker_; }
  uint32_t segment_size() const { return marker_.cluster.segment_size_bytes; }
  // Null when the repository is not encrypted.
  const RepositoryKey* key() const { return key_.get(); }
  const Config& config() const { return config_; }
  Log& log() const { return *log_; }

  // Small objects: stored or read whole, through the envelope. Limits as GetAll; kAlreadyExists as ObjectStore::Create.
  Status CreateObject(ObjectKind kind, const std::string& object_key, ByteView plain, const OpContext& ctx) const;
  Result<Bytes> ReadObject(ObjectKind kind, const std::string& object_key, size_t max_plain_bytes,
                           const OpContext& ctx) const;

  // For tests: an opened repository over a store that the caller made.
  static Result<std::unique_ptr<Repository>> OpenOn(std::unique_ptr<ObjectStore> store, const Config& config, Log& log,
                                                    const OpContext& ctx);
  static Result<std::unique_ptr<Repository>> OpenOrCreateOn(std::unique_ptr<ObjectStore> store, const Config& config,
                                                            const ClusterIdentity& cluster, Log& log,
                                                            const OpContext& ctx);

 private:
  Repository() = default;
  std::unique_ptr<ObjectStore> store_;
  RepositoryMarker marker_;
  std::unique_ptr<RepositoryKey> key_;
  Config config_;
  Log* log_ = nullptr;
};

}  // namespace pitr
