#include "core/repo/repository.h"

namespace pitr {

Status Repository::CheckCluster(const ClusterIdentity& cluster) const {
  const ClusterIdentity& ours = marker_.cluster;
  const std::string name = "repository " + store_->Describe();
  if (ours.system_id != cluster.system_id)
    return Status(Code::kConflict, name + " belongs to another cluster")
        .WithDetail("The repository is of a cluster with " + DescribeCluster(ours) + "; this one has " +
                    DescribeCluster(cluster) + ".")
        .WithHint(
            "After pg_upgrade or a fresh initdb set pg_pitr.repository to a new, empty place and keep the old one for "
            "its backups. If the "
            "settings were copied from another server, give this one a repository of its own.");
  if (ours.segment_size_bytes != cluster.segment_size_bytes || ours.pg_major != cluster.pg_major)
    return Status(Code::kConflict, name + " was made for this cluster when it was a different one")
        .WithDetail("The repository is of a cluster with " + DescribeCluster(ours) + "; this one has " +
                    DescribeCluster(cluster) + ".")
        .WithHint("Set pg_pitr.repository to a new, empty place and keep the old one for its backups.");
  return Status::Ok();
}

Status Repository::CreateObject(ObjectKind kind, const std::string& object_key, ByteView plain,
                                const OpContext& ctx) const {
  PITR_ASSIGN(const Bytes stored, EncodeObject(kind, object_key, plain, key_.get(), config_.compression_level));
  return store_->Create(object_key, stored, ctx);
}

Result<Bytes> Repository::ReadObject(ObjectKind kind, const std::string& object_key, size_t max_plain_bytes,
                                     const OpContext& ctx) const {
  PITR_ASSIGN(const Bytes stored, GetAll(*store_, object_key, MaxObjectBytes(max_plain_bytes), ctx));
  return DecodeObject(kind, object_key, stored, key_.get(), max_plain_bytes);
}

}  // namespace pitr
