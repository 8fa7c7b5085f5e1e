// Change maps are read in batches in parallel and joined in order, so that memory holds one batch and the result.
#include <algorithm>
#include <memory>

#include "core/backup/change_range.h"
#include "core/base/parallel_for.h"
#include "core/repo/change_map.h"

namespace pitr {
namespace {

constexpr uint64_t kBatch = 64;  // segments

// The segment from pg_wal; up to `end` if that lies in it.
Result<SegmentChanges> ReadLocalSegment(const std::string& data_directory, const std::string& name, Lsn start,
                                        uint32_t segment_size, std::optional<Lsn> end) {
  std::unique_ptr<SegmentChangesReader> reader;
  PITR_TRY(StreamClusterFile(data_directory + "/pg_wal/" + name, segment_size, [&](ByteView piece) -> Status {
    if (!reader) { PITR_ASSIGN(reader, SegmentChangesReader::Start(piece, start, end)); }
    return reader->Feed(piece);
  }));
  if (!reader) return Status(Code::kCorruption, "WAL segment " + name + " in pg_wal is empty");
  return reader->Finish();
}

class Collector {
 public:
  Collector(const Repository& repository, const std::string& data_directory, const ChangeRange& range)
      : repository_(repository),
        data_directory_(data_directory),
        range_(range),
        size_(repository.segment_size()),
        first_(SegmentOf(range.from, size_)),
        last_(SegmentBefore(range.to, size_)) {}

  Result<ChangeKnowledge> Run(int jobs, const OpContext& ctx) {
    SegmentChangesJoiner joiner;
    for (uint64_t begin = first_.value; begin <= last_.value; begin += kBatch) {
      const uint64_t count = std::min(kBatch, last_.value - begin + 1);
      std::vector<SegmentChanges> batch(count);
      std::vector<std::string> why_not(count);
      PITR_TRY(ParallelFor(jobs, count, ctx, [&](size_t i, int) {
        auto segment = Load({begin + i}, ctx);
        if (segment.code() == Code::kCancelled) return std::move(segment).status();
        if (segment.ok())
          batch[i] = std::move(segment).value();
        else
          why_not[i] = segment.status().message();
        return Status::Ok();
      }));
      for (size_t i = 0; i < count; i++) {
        if (!why_not[i].empty()) return ChangeKnowledge{std::nullopt, why_not[i]};
        if (Status joined = joiner.Add(batch[i]); !joined.ok()) return ChangeKnowledge{std::nullopt, joined.message()};
      }
    }
    BlockChanges changes = joiner.Take();
    if (changes.unknown() != BlockChanges::Unknown::kNothing)
      return ChangeKnowledge{std::nullopt, changes.DescribeUnknown()};
    return ChangeKnowledge{std::move(changes), {}};
  }

 private:
  Result<SegmentChanges> Load(SegmentNo no, const OpContext& ctx) const {
    const std::string name = SegmentFileName(range_.history.TimelineOfSegment(no, size_), no, size_);
    const Lsn start = SegmentStart(no, size_);
    // The server still writes the segment that the increment starts in.
    if (range_.to < SegmentStart({no.value + 1}, size_))
      return ReadLocalSegment(data_directory_, name, start, size_, range_.to);
    auto map = LoadChangeMap(repository_, name, ctx);
    if (map.ok() || map.code() == Code::kCancelled) return map;
    auto local = ReadLocalSegment(data_directory_, name, start, size_, std::nullopt);
    if (local.ok()) return local;
    if (map.code() != Code::kNotFound) return map;
    return Status(Code::kNotFound, "WAL segment " + name + " has no change map in the repository" +
                                       (local.code() == Code::kNotFound ? " and is no longer in pg_wal"
                                                                        : ": " + local.status().message()));
  }

  const Repository& repository_;
  const std::string& data_directory_;
  const ChangeRange& range_;
  const uint32_t size_;
  const SegmentNo first_;
  const SegmentNo last_;
};

}  // namespace

Result<ChangeKnowledge> CollectArchivedChanges(const Repository& repository, const std::string& data_directory,
                                               const ChangeRange& range, int jobs, const OpContext& ctx) {
  if (range.from >= range.to) return ChangeKnowledge{BlockChanges(), {}};
  return Collector(repository, data_directory, range).Run(jobs, ctx);
}

}  // namespace pitr
