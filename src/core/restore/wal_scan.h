// Reads archived WAL along a path of timelines: where transactions ended, restore points, whether a record is there.
// One scanner belongs to one thread; searches of many segments use threads of their own.
//
// Memory: a few whole segments (kScanMemoryBytes, but at least two).
#pragma once
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "core/base/progress.h"
#include "core/pg/wal_event.h"
#include "core/pg/wal_reader.h"
#include "core/repo/repository.h"
#include "core/restore/wal_path.h"

namespace pitr {

inline constexpr uint64_t kScanMemoryBytes = uint64_t{128} << 20;

// A record at which recovery may be told to stop.
struct WalMark {
  enum class Kind { kCommit, kAbort, kRestorePoint };
  Kind kind = Kind::kCommit;
  Lsn start;
  Lsn end;
  uint32_t xid = 0;
  int64_t micros = 0;  // since 1970 UTC
  std::string name;    // of a restore point
};
// nullopt for events that are none.
std::optional<WalMark> MarkOf(const WalEvent& event);

// A transaction that was prepared: no target, but from its record on it is there.
struct PreparedMark {
  Lsn start;
  uint32_t xid = 0;
  int64_t micros = 0;
};

class WalScanner {
 public:
  // All borrowed for the scanner's life. Search() counts segments in `progress`.
  WalScanner(const Repository& repository, const WalPath& path, const OpContext& ctx, Progress* progress = nullptr)
      : repository_(repository), path_(path), ctx_(ctx), progress_(progress) {}

  // Calls `each` for the events of records that start in the segments [first, last], in order, until it returns false
  // or WAL ends. kCorruption names the segment; kNotFound when a segment is missing in between.
  Status Scan(SegmentNo first, SegmentNo last, const std::function<bool(const WalEvent&)>& each);

  // Transaction ends and restore points of records that start in this segment, in order. Kept for the next call.
  Result<const std::vector<WalMark>*> Marks(SegmentNo segment);

  // The transactions that were prepared in a segment whose Marks() were asked for, in order.
  const std::vector<PreparedMark>& Prepared(SegmentNo segment) { return prepared_[segment]; }

  // Everything in [first, last] that `wanted` accepts, in order, read by `jobs` threads; `wanted` is called by all of
  // them.
  Result<std::vector<WalMark>> Search(SegmentNo first, SegmentNo last,
                                      const std::function<bool(const WalEvent&)>& wanted, int jobs);

  // The first record that starts at or after `from` and ends by the end of segment `last`; nullopt when WAL ends
  // before.
  struct Record {
    Lsn start;
    Lsn end;
  };
  Result<std::optional<Record>> FirstRecord(Lsn from, SegmentNo last);

  // The last commit that starts in [first, last], reading at most `max_segments` from the end.
  Result<std::optional<WalMark>> LastCommit(SegmentNo first, SegmentNo last, int max_segments);

  // How many different segments the scanner itself has read, without those of Search().
  uint64_t segments_read() const { return read_.size(); }

 private:
  Result<std::shared_ptr<const Bytes>> Segment(SegmentNo segment);
  WalReader::Options ReaderOptions(Lsn start) const;

  const Repository& repository_;
  const WalPath& path_;
  const OpContext& ctx_;
  Progress* const progress_;
  std::list<std::pair<SegmentNo, std::shared_ptr<const Bytes>>> recent_;  // the newest use first
  std::map<SegmentNo, std::vector<WalMark>> marks_;
  std::map<SegmentNo, std::vector<PreparedMark>> prepared_;
  std::set<uint64_t> read_;  // numbers of segments
};

// What WalScanner::LastCommit finds, with a scanner of its own. nullopt when there is none.
struct LastCommitTime {
  uint64_t xid = 0;
  int64_t time_micros = 0;
};
Result<std::optional<LastCommitTime>> FindLastCommit(const Repository& repository, const WalPath& path, SegmentNo first,
                                                     SegmentNo last, int max_segments, const OpContext& ctx);

}  // namespace pitr
