#include "core/repo/archive/change_map_maker.h"

#include <algorithm>

#include "core/pg/wal_name.h"
#include "core/repo/archive/change_map.h"
#include "core/repo/wal/wal_fetch.h"
#include "core/repo/wal/wal_source.h"

namespace pitr {
namespace {

// The segment that starts at `start`, of which the pieces come in order.
class Pieces {
 public:
  Pieces(Lsn start, std::optional<Lsn> end) : start_(start), end_(end) {}
  Status Feed(ByteView pages) {
    if (!reader_) { PITR_ASSIGN(reader_, SegmentChangesReader::Start(pages, start_, end_)); }
    return reader_->Feed(pages);
  }
  Result<SegmentChanges> Finish() {
    if (!reader_) return Status(Code::kCorruption, "WAL segment at " + start_.ToString() + " is empty");
    return reader_->Finish();
  }

 private:
  const Lsn start_;
  const std::optional<Lsn> end_;
  std::unique_ptr<SegmentChangesReader> reader_;
};

// Where the segment of this name starts. kInvalidArgument for names of other files.
Result<Lsn> StartOf(const Repository& repository, const std::string& name) {
  const auto parsed = ParseWalFileName(name, repository.segment_size());
  if (!parsed || parsed->kind != WalFileKind::kSegment)
    return Status(Code::kInvalidArgument, "\"" + name + "\" is not the name of a WAL segment");
  return SegmentStart(parsed->segment, repository.segment_size());
}

}  // namespace

bool WantsChangeMap(const Repository& repository, const std::string& name) {
  return repository.config().change_map != "off" && StartOf(repository, name).ok();
}

Result<SegmentChanges> ReadLocalSegment(const std::string& path, Lsn start, uint32_t segment_size,
                                        std::optional<Lsn> end) {
  PITR_ASSIGN(const WalSource source, WalSource::Open(path));
  if (source.size_bytes() != segment_size)
    return Status(Code::kCorruption, "file \"" + path + "\" has " + std::to_string(source.size_bytes()) + " bytes");
  Pieces pieces(start, end);
  Bytes piece(std::min<uint64_t>(kMiB, segment_size));
  for (uint64_t at = 0; at < segment_size; at += piece.size()) {
    PITR_TRY(source.ReadAt(at, piece));
    PITR_TRY(pieces.Feed(piece));
  }
  if (!end) PITR_TRY(source.CheckUnchanged());
  return pieces.Finish();
}

Result<SegmentChanges> ReadStoredSegment(const Repository& repository, const std::string& name, const OpContext& ctx) {
  PITR_ASSIGN(const Lsn start, StartOf(repository, name));
  Pieces pieces(start, std::nullopt);
  PITR_TRY(StreamWalFile(
      repository, name, [&](ByteView plain) { return pieces.Feed(plain); }, ctx));
  return pieces.Finish();
}

Status MakeChangeMap(const Repository& repository, const std::string& name, const std::string& path,
                     const OpContext& ctx) {
  PITR_ASSIGN(const Lsn start, StartOf(repository, name));
  Result<SegmentChanges> changes = ReadLocalSegment(path, start, repository.segment_size());
  if (!changes.ok()) changes = ReadStoredSegment(repository, name, ctx);
  if (!changes.ok()) return std::move(changes).status();
  return StoreChangeMap(repository, name, changes.value(), ctx);
}

}  // namespace pitr
