#include "server/unstored_wal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/unique_fd.h"
#include "core/pg/wal_event.h"
#include "core/pg/wal_name.h"
#include "core/pg/wal_reader.h"
#include "server/pg.h"

extern "C" {
#include "access/xlog.h"
#include "access/xlog_internal.h"
}

namespace pitr::server {
namespace {

// Pages of the segment files in pg_wal, up to a position.
class PgWalPages final : public WalPageSource {
 public:
  PgWalPages(Timeline timeline, Lsn end, uint32_t segment_size)
      : timeline_(timeline), end_(end), segment_size_(segment_size) {}

  Result<ByteView> ReadPage(Lsn address) override {
    if (address.value + kWalPageSize > end_.value) return ByteView();
    const SegmentNo segment = SegmentOf(address, segment_size_);
    if (!file_.ok() || segment.value != segment_.value) {
      const std::string path = std::string(kWalDirectory) + "/" + SegmentFileName(timeline_, segment, segment_size_);
      file_ = UniqueFd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
      segment_ = segment;
    }
    if (!file_.ok()) return ByteView();
    const uint64_t offset = address.value - SegmentStart(segment, segment_size_).value;
    if (pread(file_.get(), page_, sizeof page_, static_cast<off_t>(offset)) != static_cast<ssize_t>(sizeof page_))
      return ByteView();
    return ByteView(page_, sizeof page_);
  }

 private:
  const Timeline timeline_;
  const Lsn end_;
  const uint32_t segment_size_;
  SegmentNo segment_{};
  UniqueFd file_;
  uint8_t page_[kWalPageSize];
};

int64_t WrittenMicros(const std::string& name) {
  struct stat info {};
  if (stat((std::string(kWalDirectory) + "/" + name).c_str(), &info) != 0) return 0;
  return int64_t{info.st_mtim.tv_sec} * 1000000 + info.st_mtim.tv_nsec / 1000;
}

// The first commit from `start` on; the time of the file when none is found in what is looked at, 0 when all was.
int64_t OldestCommit(Timeline timeline, Lsn start, Lsn flushed, uint32_t segment_size) {
  // The page that is being written ends behind what is flushed.
  const uint64_t written = (flushed.value + kWalPageSize - 1) / kWalPageSize * kWalPageSize;
  const bool all = written - start.value <= kMostRead;
  PgWalPages pages(timeline, Lsn{all ? written : start.value + kMostRead}, segment_size);
  WalReader reader(pages, {.start = start, .segment_size = segment_size, .system_id = {}});
  for (;;) {
    const auto record = reader.Next();
    // What is not flushed yet may be half written, and the end of an older timeline is damage to the reader.
    if (!record.ok() || record.value() == nullptr || reader.at().value > flushed.value) break;
    const auto event = DecodeWalEvent(*record.value());
    if (!event.ok() || !event.value()) continue;
    const auto* end = std::get_if<TransactionEnd>(&event.value()->what);
    if (end != nullptr && end->committed) return end->micros;
  }
  const bool reached = reader.at().value + kWalPageSize >= flushed.value;
  return all && reached ? 0 : WrittenMicros(SegmentFileName(timeline, SegmentOf(start, segment_size), segment_size));
}

}  // namespace

std::optional<UnstoredWal> MeasureUnstoredWal(const Backlog& backlog) {
  if (PgCall([] { return RecoveryInProgress(); })) return std::nullopt;
  TimeLineID current = 0;
  TimeLineID* current_out = &current;
  const Lsn flushed{PgCall([current_out] { return GetFlushRecPtr(current_out); })};
  const auto segment_size = static_cast<uint32_t>(wal_segment_size);
  Lsn stored_until = SegmentStart(SegmentOf(flushed, segment_size), segment_size);
  Timeline timeline{current};
  if (!backlog.oldest_segment.empty()) {
    const auto oldest = ParseWalFileName(backlog.oldest_segment, segment_size);
    if (oldest && SegmentStart(oldest->segment, segment_size) < stored_until) {
      stored_until = SegmentStart(oldest->segment, segment_size);
      timeline = oldest->timeline;
    }
  }
  UnstoredWal wal;
  wal.bytes = flushed.value - stored_until.value;
  // A segment begins with a page header, which is no data.
  if (wal.bytes > SizeOfXLogLongPHD)
    wal.oldest_commit_micros = OldestCommit(timeline, stored_until, flushed, segment_size);
  return wal;
}

}  // namespace pitr::server
