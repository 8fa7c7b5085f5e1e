#include "core/repo/timelines/wal_predecessor.h"

#include "core/pg/wal_reader.h"
#include "core/repo/layout.h"
#include "core/repo/wal/wal_check.h"
#include "core/repo/wal/wal_compare.h"
#include "core/repo/wal/wal_fetch.h"
#include "core/repo/wal/wal_source.h"

namespace pitr {
namespace {

// Of larger segments neither is read into memory.
constexpr uint32_t kMostToJoin = uint32_t{64} << 20;

// What to tell of a server whose segment `name` differs from the stored one, or does not go on behind it.
Status AnotherServersTimeline(const std::string& name, Timeline timeline, const Status& difference) {
  const std::string number = std::to_string(timeline.value);
  return Status(Code::kConflict, "timeline " + number + " of the repository was written by another server")
      .WithDetail("WAL segment " + name + " does not go on with what is stored: " + difference.message() +
                  ". Both servers were recovered to the same point, and gave the same number to what they wrote since.")
      .WithHint(
          "What this server writes would be taken for the other's. If it is a copy, set archive_mode = off. If it is "
          "to go on, set pg_pitr.repository to a new, empty place and take a full backup; keep the old repository for "
          "what the other server stored. To have the other server's rows instead, restore again.");
}

// One that is kept for reuse says that it is an older one.
bool HoldsSegment(const Repository& repository, const WalSource& source, const WalFileName& name) {
  Bytes first(kLongWalPageHeaderSize);
  return source.ReadAt(0, first).ok() && CheckWalContent(repository, name, first, source.size_bytes()).ok();
}

// Each record names the one before it: whether the first of the local segment names the last of the stored one.
Status CheckJoint(const Repository& repository, const WalFileName& segment, const std::string& before,
                  const std::string& wal_directory, const OpContext& ctx) {
  const uint32_t size = repository.segment_size();
  const std::string name = SegmentFileName(segment.timeline, segment.segment, size);
  const auto next = WalSource::Open(wal_directory + "/" + name);
  if (size > kMostToJoin || !next.ok() || !HoldsSegment(repository, next.value(), segment)) return Status::Ok();
  const auto stored = FetchWalBytes(repository, before, ctx);
  if (stored.code() == Code::kNotFound || stored.code() == Code::kCorruption) return Status::Ok();
  if (!stored.ok()) return stored.status();
  Bytes local(size);
  PITR_TRY(next.value().ReadAt(0, local));
  const Lsn joint = SegmentStart(segment.segment, size);
  SegmentPageSource pages(size, [&](SegmentNo no) -> Result<ByteView> {
    if (no > segment.segment) return ByteView();
    return no == segment.segment ? ByteView(local) : ByteView(stored.value());
  });
  WalReader reader(pages, {Lsn{joint.value - size}, size, repository.marker().cluster.system_id});
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
  WalFileName before = segment;
  --before.segment.value;
  const std::string name = SegmentFileName(before.timeline, before.segment, repository.segment_size());
  const auto source = WalSource::Open(wal_directory + "/" + name);
  if (!source.ok() || !HoldsSegment(repository, source.value(), before))
    return CheckJoint(repository, segment, name, wal_directory, ctx);
  const auto same = CompareWithStored(repository, {ObjectKind::kWal, layout::WalKey(name), {}}, source.value(), ctx);
  if (same.ok() || same.code() == Code::kNotFound || same.code() == Code::kCorruption) return Status::Ok();
  if (same.code() != Code::kConflict) return same.status();
  return AnotherServersTimeline(name, segment.timeline, same.status());
}

}  // namespace pitr
