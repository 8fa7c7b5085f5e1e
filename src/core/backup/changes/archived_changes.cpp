// Change maps, or segments instead, are read in batches in parallel and joined in order, so that memory holds one batch
// and the result.
#include <algorithm>
#include <atomic>
#include <cassert>

#include "core/backup/changes/wal_since_parent.h"
#include "core/base/describe_size.h"
#include "core/base/parallel_for.h"
#include "core/repo/archive/change_map.h"
#include "core/repo/archive/change_map_maker.h"

namespace pitr {
namespace {

constexpr uint64_t kBatch = 64;  // segments

class Collector {
 public:
  Collector(const Repository& repository, const std::string& data_directory, const WalSinceParent& range,
            uint64_t most_read_again)
      : repository_(repository),
        data_directory_(data_directory),
        range_(range),
        most_read_again_(most_read_again),
        size_(repository.segment_size()),
        first_(SegmentOf(range.from, size_)),
        last_(SegmentBefore(range.to, size_)) {}

  Result<ChangeKnowledge> Run(int jobs, const OpContext& ctx) {
    assert(first_ <= last_);
    SegmentChangesJoiner joiner;
    for (uint64_t begin = first_.value; begin <= last_.value; begin += kBatch) {
      const uint64_t count = std::min(kBatch, last_.value - begin + 1);
      std::vector<SegmentChanges> batch(count);
      std::vector<std::string> why_not(count);
      // Without one of them the others are of no use: no more is asked for.
      std::atomic<bool> lost{false};
      PITR_TRY(ParallelFor(jobs, count, ctx, [&](size_t i, int) {
        if (lost.load(std::memory_order_relaxed)) return Status::Ok();
        auto segment = Load({begin + i}, ctx);
        if (segment.code() == Code::kCancelled) return std::move(segment).status();
        if (segment.ok()) {
          batch[i] = std::move(segment).value();
        } else {
          why_not[i] = segment.status().message();
          lost = true;
        }
        return Status::Ok();
      }));
      for (std::string& why : why_not)
        if (!why.empty()) return ChangeKnowledge{std::nullopt, std::move(why)};
      for (SegmentChanges& segment : batch)
        if (Status joined = joiner.Add(segment); !joined.ok()) return ChangeKnowledge{std::nullopt, joined.message()};
    }
    BlockChanges changes = joiner.Take();
    if (changes.unknown() != BlockChanges::Unknown::kNothing)
      return ChangeKnowledge{std::nullopt, changes.DescribeUnknown()};
    return ChangeKnowledge{std::move(changes), {}};
  }

 private:
  Result<SegmentChanges> Load(SegmentNo no, const OpContext& ctx) {
    const std::string name = SegmentFileName(range_.history.TimelineOfSegment(no, size_), no, size_);
    const std::string path = data_directory_ + "/pg_wal/" + name;
    const Lsn start = SegmentStart(no, size_);
    // The server still writes the segment that the increment starts in, unless reading the others took so long that it
    // has left pg_wal, too. Then all of it counts, which is more than is asked for.
    if (range_.to < SegmentStart({no.value + 1}, size_)) {
      auto begun = ReadLocalSegment(path, start, size_, range_.to);
      if (begun.ok()) return begun;
    }
    auto map = LoadChangeMap(repository_, name, ctx);
    if (map.ok() || map.code() == Code::kCancelled) return map;
    auto local = ReadLocalSegment(path, start, size_);
    if (local.ok()) return local;
    if (read_again_.fetch_add(size_) + size_ > most_read_again_)
      return Status(Code::kUnavailable, "WAL segment " + name + " has no change map, and more than " +
                                            DescribeBytes(most_read_again_) + " of WAL would have to be read instead");
    auto stored = ReadStoredSegment(repository_, name, ctx);
    // For the next one; this one does without.
    if (stored.ok()) static_cast<void>(StoreChangeMap(repository_, name, stored.value(), ctx));
    if (stored.ok() || stored.code() == Code::kCancelled) return stored;
    if (map.code() != Code::kNotFound) return map;  // the map that is there but damaged
    if (stored.code() != Code::kNotFound) return stored;
    return Status(Code::kNotFound, "WAL segment " + name + " is neither in the repository nor in pg_wal");
  }

  const Repository& repository_;
  const std::string& data_directory_;
  const WalSinceParent& range_;
  const uint64_t most_read_again_;
  std::atomic<uint64_t> read_again_{0};  // bytes of segments
  const uint32_t size_;
  const SegmentNo first_;
  const SegmentNo last_;
};

}  // namespace

Result<ChangeKnowledge> CollectArchivedChanges(const Repository& repository, const std::string& data_directory,
                                               const WalSinceParent& range, int jobs, const OpContext& ctx,
                                               uint64_t most_read_again) {
  if (range.from >= range.to) return ChangeKnowledge{BlockChanges(), {}};
  return Collector(repository, data_directory, range, most_read_again).Run(jobs, ctx);
}

}  // namespace pitr
