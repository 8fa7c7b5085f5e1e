#include "core/restore/replay_scan.h"

#include <algorithm>
#include <atomic>

#include "core/base/parallel_for.h"
#include "core/pg/segment_changes.h"
#include "core/repo/archive/change_map.h"
#include "core/repo/archive/change_map_maker.h"
#include "core/restore/wal_scan.h"

namespace pitr {
namespace {

constexpr uint64_t kBatchSegments = 256;

class ReplayScanner {
 public:
  ReplayScanner(const Repository& repository, const WalPath& path, SegmentNo last, const OpContext& ctx,
                Progress* progress)
      : repository_(repository), path_(path), last_(last), ctx_(ctx), progress_(progress) {}

  Status Run(SegmentNo first, int jobs) {
    for (uint64_t begin = first.value; begin <= last_.value; begin += kBatchSegments) {
      const uint64_t count = std::min(kBatchSegments, last_.value - begin + 1);
      std::vector<Result<SegmentChanges>> batch(count, SegmentChanges());
      PITR_TRY(ParallelFor(jobs, count, ctx_, [&](size_t i, int) {
        batch[i] = Load({begin + i});
        if (progress_ != nullptr) ++progress_->files_done;
        const bool damaged = batch[i].code() == Code::kCorruption || batch[i].code() == Code::kInvalidArgument;
        return batch[i].ok() || damaged ? Status::Ok() : batch[i].status();
      }));
      for (size_t i = 0; i < count; i++) PITR_TRY(Join({begin + i}, batch[i]));
      // Blocks are of no interest here and would add up.
      static_cast<void>(joiner_.Take());
    }
    Collect();
    return Status::Ok();
  }

  ReplayScan Take() {
    scan_.segments_read = segments_read_;
    return std::move(scan_);
  }

 private:
  Result<SegmentChanges> Load(SegmentNo no) {
    const std::string name = path_.NameOf(no);
    // An unfinished segment has no map, and ends where WAL ends.
    if (path_.FileOf(no) != name) return Status(Code::kCorruption, "only its beginning is there");
    auto map = LoadChangeMap(repository_, name, ctx_);
    const bool missing = map.code() == Code::kNotFound || map.code() == Code::kCorruption ||
                         map.code() == Code::kInvalidArgument || (map.ok() && !map.value().actions_known);
    if (missing) {
      ++segments_read_;
      map = ReadStoredSegment(repository_, name, ctx_);
    }
    if (map.ok()) map.value().changes = {};
    return map;
  }

  Status Join(SegmentNo no, const Result<SegmentChanges>& segment) {
    if (segment.ok() && joiner_.Add(segment.value()).ok()) return Status::Ok();
    // What follows is looked at by itself.
    Collect();
    joiner_ = {};
    if (segment.ok()) {
      if (joiner_.Add(segment.value()).ok()) return Status::Ok();
      joiner_ = {};
    }
    return ScanRest(no, segment.ok() ? Status(Code::kCorruption, "its records do not continue") : segment.status());
  }

  // The end of WAL may lie within the last segment. Up to there it can be read.
  Status ScanRest(SegmentNo no, const Status& why) {
    WalScanner scanner(repository_, path_, ctx_);
    Status scanned = scanner.Scan(no, no, [&](const WalEvent& event) {
      NoteReplayAction(event, &scan_.actions);
      return true;
    });
    if (scanned.code() == Code::kCorruption) {
      scan_.unread.push_back(path_.NameOf(no) + " (" + why.message() + ")");
      return Status::Ok();
    }
    if (scanned.ok() && no < last_) scan_.unread.push_back(path_.NameOf(no) + " (" + why.message() + ")");
    return scanned;
  }

  void Collect() {
    std::vector<ReplayAction> found = joiner_.TakeActions();
    std::move(found.begin(), found.end(), std::back_inserter(scan_.actions));
  }

  const Repository& repository_;
  const WalPath& path_;
  const SegmentNo last_;
  const OpContext& ctx_;
  Progress* const progress_;
  SegmentChangesJoiner joiner_;
  std::atomic<uint64_t> segments_read_{0};
  ReplayScan scan_;
};

}  // namespace

Result<ReplayScan> ScanReplay(const Repository& repository, const WalPath& path, SegmentNo first, SegmentNo last,
                              int jobs, const OpContext& ctx, Progress* progress) {
  if (progress != nullptr) progress->files_total += last.value - first.value + 1;
  ReplayScanner scanner(repository, path, last, ctx, progress);
  PITR_TRY(scanner.Run(first, std::max(jobs, 1)));
  return scanner.Take();
}

}  // namespace pitr
