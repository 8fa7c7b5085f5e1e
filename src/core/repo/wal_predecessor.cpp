#include "core/repo/wal_predecessor.h"

#include "core/pg/wal_page.h"
#include "core/pg/wal_reader.h"
#include "core/repo/layout.h"
#include "core/repo/wal_compare.h"
#include "core/repo/wal_fetch.h"
#include "core/repo/wal_source.h"

namespace pitr {

Status AnotherServersTimeline(const std::string& name, Timeline timeline, const Status& difference) {
  const std::string number = std::to_string(timeline.value);
  return Status(Code::kConflict, "timeline " + number + " of the repository was written by another server")
      .WithDetail("WAL segment " + name + " does not go on with what is stored: " + difference.message() +
                  ". Both servers were recovered to the same point, and gave the same number to what they wrote since.")
      .WithHint(
          "What this server writes would be taken for the other's. If it is a copy, set archive_mode = off. If it is "
          "to "
          "go on, set pg_pitr.repository to a new, empty place and take a full backup; keep the old repository for "
          "what "
          "the other server stored. To have the other server's rows instead, restore again.");
}

namespace {

// Of larger segments the stored one is not read into memory.
constexpr uint32_t kMostToJoin = uint32_t{64} << 20;

bool IsNamed(const WalSource& source, SegmentNo segment, uint32_t size) {
  Bytes first(kLongWalPageHeaderSize);
  if (source.size_bytes() != size || !source.ReadAt(0, first).ok()) return false;
  const auto header = CheckSegmentHeader(first);
  // One that is kept for reuse holds an older one.
  return header.ok() && header.value().start == SegmentStart(segment, size);
}

// The stored segment, and behind it the local one.
class JoinedWal : public WalPageSource {
 public:
  JoinedWal(ByteView stored, Lsn begin, const WalSource& next) : stored_(stored), begin_(begin), next_(next) {}
  Result<ByteView> ReadPage(Lsn address) override {
    const uint64_t at = address.value - begin_.value;
    if (at + kWalPageSize <= stored_.size()) return stored_.subspan(at, kWalPageSize);
    if (at + kWalPageSize > stored_.size() + next_.size_bytes()) return ByteView();
    PITR_TRY(next_.ReadAt(at - stored_.size(), page_));
    return ByteView(page_);
  }

 private:
  const ByteView stored_;
  const Lsn begin_;
  const WalSource& next_;
  Bytes page_ = Bytes(kWalPageSize);
};

// Each record names the one before it: whether the first of the local segment names the last of the stored one.
Status CheckJoint(const Repository& repository, const WalFileName& segment, const std::string& before,
                  const std::string& wal_directory, const OpContext& ctx) {
  const uint32_t size = repository.segment_size();
  const std::string name = SegmentFileName(segment.timeline, segment.segment, size);
  const auto next = WalSource::Open(wal_directory + "/" + name);
  if (size > kMostToJoin || !next.ok() || !IsNamed(next.value(), segment.segment, size)) return Status::Ok();
  const auto stored = FetchWalBytes(repository, before, ctx);
  if (stored.code() == Code::kNotFound || stored.code() == Code::kCorruption) return Status::Ok();
  if (!stored.ok()) return stored.status();
  const Lsn joint = SegmentStart(segment.segment, size);
  WalReader::Options options;
  options.start = Lsn{joint.value - size};
  options.segment_size = size;
  options.system_id = repository.marker().cluster.system_id;
  JoinedWal wal(stored.value(), options.start, next.value());
  WalReader reader(wal, options);
  for (;;) {
    const auto record = reader.Next();
    if (record.code() == Code::kCorruption) return AnotherServersTimeline(name, segment.timeline, record.status());
    if (!record.ok()) return record.status();
    if (record.value() == nullptr || !(record.value()->start < joint)) return Status::Ok();
    PITR_TRY(ctx.Check());
  }
}

}  // namespace

Status CheckPredecessor(const Repository& repository, const WalFileName& segment, const std::string& wal_directory,
                        const OpContext& ctx) {
  if (segment.segment.value == 0) return Status::Ok();
  const uint32_t size = repository.segment_size();
  const SegmentNo before{segment.segment.value - 1};
  const std::string name = SegmentFileName(segment.timeline, before, size);
  const auto source = WalSource::Open(wal_directory + "/" + name);
  if (!source.ok() || !IsNamed(source.value(), before, size))
    return CheckJoint(repository, segment, name, wal_directory, ctx);
  const auto same = CompareWithStored(repository, {ObjectKind::kWal, layout::WalKey(name), {}}, source.value(), ctx);
  if (same.ok() || same.code() == Code::kNotFound || same.code() == Code::kCorruption) return Status::Ok();
  if (same.code() != Code::kConflict) return same.status();
  return AnotherServersTimeline(name, segment.timeline, same.status());
}

}  // namespace pitr
