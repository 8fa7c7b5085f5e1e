// An opened repository: the store, whose it is, and the key to read it. Joins store/ with pg/.
// open_repository.h opens it. Constant; all members may be used from several threads.
#pragma once
#include <memory>
#include <string>
#include <utility>

#include "core/base/log.h"
#include "core/base/op_context.h"
#include "core/config/config.h"
#include "core/pg/lsn.h"
#include "core/repo/envelope/object_codec.h"
#include "core/repo/marker.h"
#include "core/store/object_store.h"

namespace pitr {

class Repository {
 public:
  // `key` null: not encrypted. `log` outlives it.
  Repository(std::unique_ptr<ObjectStore> store, RepositoryMarker marker, std::unique_ptr<RepositoryKey> key,
             Config config, Log& log)
      : store_(std::move(store)),
        marker_(std::move(marker)),
        key_(std::move(key)),
        config_(std::move(config)),
        log_(&log) {}

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

 private:
  const std::unique_ptr<ObjectStore> store_;
  const RepositoryMarker marker_;
  const std::unique_ptr<RepositoryKey> key_;
  const Config config_;
  Log* const log_;
};

}  // namespace pitr
