#include "core/repo/wal/partial_segment.h"

#include <algorithm>

#include "core/repo/layout.h"
#include "core/repo/wal/wal_check.h"

namespace pitr {
namespace {

class SourcePages : public WalPageSource {
 public:
  SourcePages(const WalSource& source, Lsn start) : source_(source), start_(start) {}

  Result<ByteView> ReadPage(Lsn address) override {
    if (address < start_ || address.value - start_.value + kWalPageSize > source_.size_bytes()) return ByteView();
    const uint64_t offset = address.value - start_.value;
    if (offset < first_ || offset + kWalPageSize > first_ + piece_.size()) {
      piece_.resize(std::min<uint64_t>(kPieceBytes, source_.size_bytes() - offset));
      first_ = offset;
      PITR_TRY(source_.ReadAt(offset, piece_));
    }
    return ByteView(piece_).subspan(offset - first_, kWalPageSize);
  }

 private:
  static constexpr uint64_t kPieceBytes = uint64_t{256} << 10;
  const WalSource& source_;
  const Lsn start_;
  Bytes piece_;
  uint64_t first_ = 0;  // its offset in the file
};

}  // namespace

std::optional<PartialSegment> ParsePartialSegment(const Repository& repository, const std::string& key) {
  const auto parts = layout::ParsePartialSegmentKey(key);
  const uint32_t segment_size = repository.segment_size();
  auto name = parts ? ParseWalFileName(parts->segment, segment_size) : std::nullopt;
  if (!name || parts->end_offset < kLongWalPageHeaderSize || parts->end_offset > segment_size) return std::nullopt;
  name->kind = WalFileKind::kPartial;
  return PartialSegment{*name, {SegmentStart(name->segment, segment_size).value + parts->end_offset}, key};
}

Result<std::vector<PartialSegment>> ListPartialSegments(const Repository& repository, const std::string& segment_name,
                                                        const OpContext& ctx) {
  std::vector<PartialSegment> partials;
  PITR_TRY(ListAll(repository.store(), layout::PartialSegmentPrefix(segment_name), ctx, [&](const ObjectInfo& object) {
    if (auto partial = ParsePartialSegment(repository, object.key)) partials.push_back(std::move(*partial));
    return Status::Ok();
  }));
  std::sort(partials.begin(), partials.end(),
            [](const PartialSegment& a, const PartialSegment& b) { return a.end < b.end; });
  return partials;
}

Status StreamPartialSegment(const Repository& repository, const PartialSegment& partial,
                            const ObjectStreamReader::Sink& sink, const OpContext& ctx) {
  const uint64_t segment_size = repository.segment_size();
  const uint64_t end = partial.end.value - SegmentStart(partial.name.segment, repository.segment_size()).value;
  const Bytes zeroes(std::min<uint64_t>(kWalFramePlainBytes, segment_size));
  auto corrupt = [&](const std::string& why) {
    return Status(Code::kCorruption, "object \"" + partial.key + "\": " + why);
  };
  FirstBytes first;
  uint64_t size = 0;  // stored
  uint64_t given = 0;
  auto give = [&](ByteView bytes) {
    given += bytes.size();
    return bytes.empty() ? Status::Ok() : sink(bytes);
  };
  ObjectStreamReader reader(ObjectKind::kPartialSegment, partial.key, repository.key(), [&](ByteView plain) -> Status {
    first.Take(plain);
    size += plain.size();
    if (size > segment_size) return corrupt("it holds more than a segment");
    // What comes after the last record is not handed out: it may be what the file held before.
    return give(given < end ? plain.first(std::min<uint64_t>(plain.size(), end - given)) : ByteView());
  });
  Status status = repository.store().Get(
      partial.key, {}, [&](ByteView piece) { return reader.Feed(piece); }, ctx);
  if (status.code() == Code::kNotFound)
    return {Code::kNotFound, "partial WAL segment \"" + partial.key + "\" is not in the repository"};
  if (status.ok()) status = reader.Finish().status();
  if (!status.ok()) return std::move(status).Annotate("fetching a partial WAL segment");
  if (size < end) return corrupt("it ends before the position in its name");
  if (Status content = CheckWalContent(repository, partial.name, first.view(), segment_size); !content.ok())
    return corrupt(content.message());
  while (given < segment_size)
    PITR_TRY(give(ByteView(zeroes).first(std::min<uint64_t>(zeroes.size(), segment_size - given))));
  return Status::Ok();
}

Result<WalExtent> ExtentOf(const WalSource& source, Lsn start, TornRecord torn) {
  SourcePages pages(source, start);
  return FindWalExtent(pages, start, static_cast<uint32_t>(source.size_bytes()), torn);
}

}  // namespace pitr
