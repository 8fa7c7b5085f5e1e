#include "core/restore/wal_scan.h"

#include <algorithm>
#include <mutex>

#include "core/base/parallel_for.h"
#include "core/repo/wal/wal_fetch.h"

namespace pitr {
namespace {

// Segments that one thread reads in a row when many are searched: the last record of a run needs the segment after it,
// too.
constexpr uint64_t kSegmentsPerTask = 8;

uint64_t KeptSegments(uint32_t segment_size) { return std::max<uint64_t>(2, kScanMemoryBytes / segment_size); }

}  // namespace

std::optional<WalMark> MarkOf(const WalEvent& event) {
  WalMark mark;
  mark.start = event.start;
  mark.end = event.end;
  if (const auto* end = std::get_if<TransactionEnd>(&event.what)) {
    mark.kind = end->committed ? WalMark::Kind::kCommit : WalMark::Kind::kAbort;
    mark.xid = end->xid;
    mark.micros = end->micros;
    return mark;
  }
  if (const auto* point = std::get_if<RestorePoint>(&event.what)) {
    mark.kind = WalMark::Kind::kRestorePoint;
    mark.micros = point->micros;
    mark.name = point->name;
    return mark;
  }
  return std::nullopt;
}

WalReader::Options WalScanner::ReaderOptions(Lsn start) const {
  WalReader::Options options;
  options.start = start;
  options.segment_size = path_.segment_size();
  options.system_id = repository_.marker().cluster.system_id;
  return options;
}

Result<std::shared_ptr<const Bytes>> WalScanner::Segment(SegmentNo segment) {
  for (auto at = recent_.begin(); at != recent_.end(); ++at) {
    if (at->first != segment) continue;
    recent_.splice(recent_.begin(), recent_, at);
    return recent_.front().second;
  }
  PITR_ASSIGN(Bytes bytes, FetchWalBytes(repository_, path_.FileOf(segment), ctx_));
  read_.insert(segment.value);
  recent_.emplace_front(segment, std::make_shared<const Bytes>(std::move(bytes)));
  // One more than is used at a time, and no more than memory allows.
  while (recent_.size() > std::min<uint64_t>(4, KeptSegments(path_.segment_size()))) recent_.pop_back();
  return recent_.front().second;
}

Status WalScanner::Scan(SegmentNo first, SegmentNo last, const std::function<bool(const WalEvent&)>& each) {
  const uint32_t segment_size = path_.segment_size();
  std::shared_ptr<const Bytes> held;
  SegmentPageSource source(segment_size, [&](SegmentNo segment) -> Result<ByteView> {
    // The segment after the last one only completes the last record.
    if (!path_.Has(segment) && !path_.PartialEnd(segment)) {
      if (segment > last) return ByteView();
      return Status(Code::kNotFound, "WAL segment " + path_.NameOf(segment) + " is not in the archive");
    }
    PITR_ASSIGN(held, Segment(segment));
    return ByteView(*held);
  });
  WalReader reader(source, ReaderOptions(SegmentStart(first, segment_size)));
  const Lsn limit = SegmentStart(SegmentNo{last.value + 1}, segment_size);
  for (;;) {
    PITR_TRY(ctx_.Check());
    auto next = reader.Next();
    if (!next.ok())
      return std::move(next).status().Annotate("reading WAL segment " +
                                               path_.NameOf(SegmentOf(reader.at(), segment_size)));
    if (next.value() == nullptr || next.value()->start >= limit) return Status::Ok();
    PITR_ASSIGN(const std::optional<WalEvent> event, DecodeWalEvent(*next.value()));
    if (event && !each(*event)) return Status::Ok();
  }
}

Result<const std::vector<WalMark>*> WalScanner::Marks(SegmentNo segment) {
  if (auto known = marks_.find(segment); known != marks_.end())
    return const_cast<const std::vector<WalMark>*>(&known->second);
  std::vector<WalMark> marks;
  std::vector<PreparedMark> found;
  PITR_TRY(Scan(segment, segment, [&](const WalEvent& event) {
    if (auto mark = MarkOf(event)) marks.push_back(std::move(*mark));
    if (const auto* prepared = std::get_if<TransactionPrepared>(&event.what))
      found.push_back({event.start, prepared->xid, prepared->micros});
    return true;
  }));
  if (!found.empty()) prepared_[segment] = std::move(found);
  return const_cast<const std::vector<WalMark>*>(&marks_.insert_or_assign(segment, std::move(marks)).first->second);
}

Result<std::vector<WalMark>> WalScanner::Search(SegmentNo first, SegmentNo last,
                                                const std::function<bool(const WalEvent&)>& wanted, int jobs) {
  const uint64_t count = last.value - first.value + 1;
  const size_t tasks = static_cast<size_t>((count + kSegmentsPerTask - 1) / kSegmentsPerTask);
  // Each thread holds two segments at a time.
  const int threads = static_cast<int>(
      std::min<uint64_t>(static_cast<uint64_t>(std::max(jobs, 1)), KeptSegments(path_.segment_size()) / 2));
  std::vector<std::vector<WalMark>> found(tasks);
  if (progress_ != nullptr) progress_->files_total += count;
  PITR_TRY(ParallelFor(threads, tasks, ctx_, [&](size_t task, int) {
    WalScanner scanner(repository_, path_, ctx_);
    const SegmentNo from{first.value + task * kSegmentsPerTask};
    const SegmentNo to{std::min(last.value, from.value + kSegmentsPerTask - 1)};
    PITR_TRY(scanner.Scan(from, to, [&](const WalEvent& event) {
      if (!wanted(event)) return true;
      if (auto mark = MarkOf(event)) found[task].push_back(std::move(*mark));
      return true;
    }));
    if (progress_ != nullptr) progress_->files_done += to.value - from.value + 1;
    return Status::Ok();
  }));
  std::vector<WalMark> all;
  for (std::vector<WalMark>& part : found) std::move(part.begin(), part.end(), std::back_inserter(all));
  return all;
}

Result<std::optional<WalScanner::Record>> WalScanner::FirstRecord(Lsn from, SegmentNo last) {
  std::shared_ptr<const Bytes> held;
  SegmentPageSource source(path_.segment_size(), [&](SegmentNo segment) -> Result<ByteView> {
    if (segment > last || (!path_.Has(segment) && !path_.PartialEnd(segment))) return ByteView();
    PITR_ASSIGN(held, Segment(segment));
    return ByteView(*held);
  });
  const auto first_from = [&](Lsn begin) -> Result<std::optional<Record>> {
    WalReader reader(source, ReaderOptions(begin));
    for (;;) {
      auto next = reader.Next();
      if (!next.ok()) return std::move(next).status().Annotate("reading WAL at " + from.ToString());
      if (next.value() == nullptr) return std::optional<Record>();
      if (next.value()->start >= from) return std::optional<Record>(Record{next.value()->start, next.value()->end});
    }
  };
  PITR_ASSIGN(auto record, first_from(from));
  // Behind a switch the segment is empty, and only who comes from before it knows that WAL goes on in the next one.
  const Lsn begin = SegmentStart(SegmentOf(from, path_.segment_size()), path_.segment_size());
  if (!record && begin < from) return first_from(begin);
  return record;
}

Result<std::optional<WalMark>> WalScanner::LastCommit(SegmentNo first, SegmentNo last, int max_segments) {
  for (int read = 0; read < max_segments && last.value >= first.value + static_cast<uint64_t>(read); ++read) {
    PITR_ASSIGN(const std::vector<WalMark>* marks, Marks(SegmentNo{last.value - static_cast<uint64_t>(read)}));
    for (auto mark = marks->rbegin(); mark != marks->rend(); ++mark)
      if (mark->kind == WalMark::Kind::kCommit) return std::optional<WalMark>(*mark);
    if (last.value == 0) break;
  }
  return std::optional<WalMark>();
}

Result<std::optional<LastCommitTime>> FindLastCommit(const Repository& repository, const WalPath& path, SegmentNo first,
                                                     SegmentNo last, int max_segments, const OpContext& ctx) {
  WalScanner scanner(repository, path, ctx);
  PITR_ASSIGN(const std::optional<WalMark> mark, scanner.LastCommit(first, last, max_segments));
  if (!mark) return std::optional<LastCommitTime>();
  return std::optional<LastCommitTime>(LastCommitTime{mark->xid, mark->micros});
}

}  // namespace pitr
