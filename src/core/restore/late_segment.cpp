#include "core/restore/late_segment.h"

#include "core/pg/control.h"
#include "core/pg/wal_event.h"
#include "core/pg/wal_reader.h"
#include "core/repo/wal_fetch.h"
#include "core/repo/wal_source.h"
#include "core/restore/restore_mark.h"
#include "core/restore/tablespace_places.h"

namespace pitr {
namespace {

Result<Bytes> ReadSegment(const std::string& file) {
  PITR_ASSIGN(const WalSource source, WalSource::Open(file));
  Bytes bytes(source.size_bytes());
  PITR_TRY(source.ReadAt(0, bytes));
  return bytes;
}

// A record may begin in the segment before: the server has that, unless it was started since.
Bytes SegmentBeforeIt(const Repository& repository, const std::string& data_directory, const WalFileName& segment,
                      const OpContext& ctx) {
  if (segment.segment.value == 0) return {};
  const std::string name = SegmentFileName(segment.timeline, {segment.segment.value - 1}, repository.segment_size());
  auto bytes = ReadSegment(data_directory + "/" + std::string(kWalDirectory) + "/" + name);
  if (!bytes.ok()) bytes = FetchWalBytes(repository, name, ctx);
  return bytes.ok() ? std::move(bytes).value() : Bytes();
}

}  // namespace

std::optional<Lsn> KnownUntil(const std::string& data_directory) {
  const auto tree = ClusterTree::Open(data_directory);
  if (!tree.ok()) return std::nullopt;
  const auto mark = ReadRestoreMark(tree.value());
  if (!mark.ok() || !mark.value() || mark.value()->outcome) return std::nullopt;
  if (mark.value()->mode != RecoveryMode::kRecover || mark.value()->kind != TargetKind::kLatest) return std::nullopt;
  return mark.value()->stop_lsn;
}

Status CheckLateSegment(const Repository& repository, const std::string& data_directory, const WalFileName& segment,
                        const std::string& file, const OpContext& ctx) {
  const uint32_t size = repository.segment_size();
  const auto known = KnownUntil(data_directory);
  const Lsn begin = SegmentStart(segment.segment, size);
  if (!known || SegmentStart({segment.segment.value + 1}, size) <= *known) return Status::Ok();
  const auto bytes = ReadSegment(file);
  if (!bytes.ok()) return Status::Ok();
  const Bytes before = SegmentBeforeIt(repository, data_directory, segment, ctx);
  SegmentPageSource pages(size, [&](SegmentNo no) -> Result<ByteView> {
    if (no == segment.segment) return ByteView(bytes.value());
    return no > segment.segment ? ByteView() : ByteView(before);
  });
  const Lsn from = before.empty() ? begin : Lsn{begin.value - size};
  WalReader reader(pages, {from, size, repository.marker().cluster.system_id});
  for (;;) {
    PITR_TRY(ctx.Check());
    const auto record = reader.Next();
    if (!record.ok() || record.value() == nullptr) return Status::Ok();
    if (record.value()->end <= std::max(begin, *known)) continue;
    const auto event = DecodeWalEvent(*record.value());
    if (!event.ok() || !event.value()) continue;
    const auto* made = std::get_if<TablespaceCreated>(&event.value()->what);
    if (made == nullptr || made->path.empty()) continue;
    PITR_TRY(CheckLatePlace(data_directory, repository.marker().cluster.pg_major,
                            {made->tablespace, made->path, event.value()->start}));
  }
}

}  // namespace pitr
