#include "core/repo/opening/stored_identity.h"

#include <deque>

#include "core/pg/wal_page.h"
#include "core/repo/envelope/object_header.h"
#include "core/repo/layout.h"
#include "core/repo/manifest_reader.h"
#include "core/store/absence.h"

namespace pitr {
namespace {

constexpr size_t kLooksEachEnd = 2;
constexpr size_t kFirstFrameOffset = kObjectHeaderBytes;

// The first and the last few of the objects that are told one by one.
class BothEnds {
 public:
  void Add(const ObjectInfo& object) {
    if (first_.size() < kLooksEachEnd) {
      first_.push_back(object);
      return;
    }
    last_.push_back(object);
    if (last_.size() > kLooksEachEnd) last_.pop_front();
  }
  std::vector<ObjectInfo> All() const {
    std::vector<ObjectInfo> all = first_;
    all.insert(all.end(), last_.begin(), last_.end());
    return all;
  }

 private:
  std::vector<ObjectInfo> first_;
  std::deque<ObjectInfo> last_;
};

// The name will do: with a wrong segment size in the marker it could not be checked further.
bool IsSegmentKey(const std::string& key) {
  constexpr size_t kSegmentNameLength = 24;
  const auto name = layout::WalNameOfKey(key);
  return name && name->size() == kSegmentNameLength && name->find('.') == std::string::npos;
}

// Only the first frame is read: segments may have a gigabyte.
Result<ClusterIdentity> ReadSegmentIdentity(ObjectStore& store, const std::string& object, const RepositoryKey* key,
                                            const OpContext& ctx) {
  PITR_ASSIGN(const Bytes head, GetRange(store, object, 0, kFirstFrameOffset + kFrameHeaderBytes, ctx));
  ObjectDecoder decoder(key);
  PITR_TRY(decoder.Open(ObjectKind::kWal, object, ByteView(head).first(kObjectHeaderBytes)));
  PITR_ASSIGN(const auto frame, decoder.PeekFrame(ByteView(head).subspan(kFirstFrameOffset)));
  PITR_ASSIGN(const Bytes stored, GetRange(store, object, kFirstFrameOffset, frame.stored_bytes, ctx));
  Bytes plain(frame.plain_bytes);
  PITR_TRY(decoder.DecodeFrame(kFirstFrameOffset, stored, plain));
  auto header = CheckSegmentHeader(plain);
  if (!header.ok()) return std::move(header).status().Annotate("object \"" + object + "\"");
  return ClusterIdentity{header.value().system_id, header.value().segment_size, header.value().pg_major};
}

class IdentityComparison {
 public:
  IdentityComparison(ObjectStore& store, const RepositoryMarker& marker, const RepositoryKey* key, const OpContext& ctx)
      : store_(store), marker_(marker), key_(key), ctx_(ctx) {}

  Status LookAtSegment(const std::string& object) {
    return Look(ObjectKind::kWal, object, [&] { return ReadSegmentIdentity(store_, object, key_, ctx_); });
  }
  Status LookAtManifest(const std::string& object, const std::string& label) {
    return Look(ObjectKind::kManifest, object, [&]() -> Result<ClusterIdentity> {
      PITR_ASSIGN(const BackupManifest manifest, ReadStoredManifest(store_, label, key_, ctx_));
      return manifest.cluster;
    });
  }
  StoredIdentity found;

 private:
  // The header is not encrypted: whether the object is, it tells anybody.
  Result<bool> EncryptionFits(ObjectKind kind, const std::string& object) {
    PITR_ASSIGN(const Bytes head, GetRange(store_, object, 0, kObjectHeaderBytes, ctx_));
    PITR_ASSIGN(const ObjectHeader header, DecodeObjectHeader(kind, object, head));
    return (header.cipher != Cipher::kNone) == marker_.encrypted;
  }

  template <class Read>
  Status Look(ObjectKind kind, const std::string& object, Read read) {
    const std::string name = "\"" + object + "\"";
    const auto fits = EncryptionFits(kind, object);
    if (fits.ok() && !fits.value()) {
      found.differs.push_back(name + (marker_.encrypted ? " is not encrypted" : " is encrypted"));
      return Status::Ok();
    }
    const Result<ClusterIdentity> read_identity = fits.ok() ? read() : Result<ClusterIdentity>(fits.status());
    if (!read_identity.ok()) {
      const Status status = read_identity.status();
      if (IsOfTheStore(status.code())) return status;
      found.unopened.push_back(name + " cannot be opened: " + status.message());
      return Status::Ok();
    }
    const ClusterIdentity &stored = read_identity.value(), &expected = marker_.cluster;
    const bool same = stored.system_id == expected.system_id &&
                      stored.segment_size_bytes == expected.segment_size_bytes && stored.pg_major == expected.pg_major;
    (same ? found.matches : found.differs).push_back(name + " is of " + DescribeCluster(stored));
    return Status::Ok();
  }

  ObjectStore& store_;
  const RepositoryMarker& marker_;
  const RepositoryKey* key_;
  const OpContext& ctx_;
};

}  // namespace

std::string DescribeCluster(const ClusterIdentity& cluster) {
  return "system identifier " + std::to_string(cluster.system_id.value) + ", WAL segments of " +
         std::to_string(cluster.segment_size_bytes >> 20) + " MB, PostgreSQL " + std::to_string(cluster.pg_major);
}

Result<std::string> FirstObjectOfData(ObjectStore& store, const OpContext& ctx) {
  for (std::string_view prefix : {layout::kWalPrefix, layout::kBackupPrefix, layout::kDataPrefix}) {
    PITR_ASSIGN(const ListPage page, store.List(std::string(prefix), "", ctx));
    if (!page.objects.empty()) return page.objects.front().key;
  }
  return std::string();
}

Result<StoredIdentity> CompareWithStored(ObjectStore& store, const RepositoryMarker& marker, const RepositoryKey* key,
                                         const OpContext& ctx) {
  BothEnds segments, manifests;
  PITR_TRY(ListAll(store, std::string(layout::kWalPrefix), ctx, [&](const ObjectInfo& object) {
    if (IsSegmentKey(object.key)) segments.Add(object);
    return Status::Ok();
  }));
  PITR_TRY(ListAll(store, std::string(layout::kBackupPrefix), ctx, [&](const ObjectInfo& object) {
    const auto parts = layout::ParseBackupKey(object.key);
    if (parts && parts->object == layout::BackupObject::kManifest) manifests.Add(object);
    return Status::Ok();
  }));
  IdentityComparison comparison(store, marker, key, ctx);
  for (const ObjectInfo& object : segments.All()) PITR_TRY(comparison.LookAtSegment(object.key));
  for (const ObjectInfo& object : manifests.All())
    PITR_TRY(comparison.LookAtManifest(object.key, layout::ParseBackupKey(object.key)->label));
  return std::move(comparison.found);
}

}  // namespace pitr
