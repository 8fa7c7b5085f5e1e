#include "core/pg/segment_changes.h"

#include <algorithm>
#include <cassert>

#include "core/pg/wal_changes.h"

namespace pitr {
namespace {

Status Damage(Lsn at, const std::string& what) { return {Code::kCorruption, "WAL at " + at.ToString() + " " + what}; }

void AppendUpTo(size_t limit, ByteView piece, Bytes& bytes) {
  const size_t n = std::min(piece.size(), limit - std::min(limit, bytes.size()));
  bytes.insert(bytes.end(), piece.begin(), piece.begin() + static_cast<ptrdiff_t>(n));
}

// Where a record that follows `lsn` starts: behind the page's header when `lsn` is the start of a page.
Lsn AfterPageHeader(Lsn lsn, uint32_t segment_size) {
  if (lsn.value % kWalPageSize != 0) return lsn;
  return {lsn.value + (lsn.value % segment_size == 0 ? kLongWalPageHeaderSize : kShortWalPageHeaderSize)};
}

}  // namespace

Result<ByteView> SegmentChangesReader::Pages::ReadPage(Lsn address) {
  if (address < start) return Status(Code::kInternal, "a WAL page was asked for that is gone");
  const uint64_t offset = address.value - start.value;
  return offset < bytes.size() ? bytes.subspan(offset, kWalPageSize) : ByteView();
}

SegmentChangesReader::SegmentChangesReader(const SegmentHeader& header, std::optional<Lsn> end)
    : header_(header), end_(end), reader_(pages_, {header.start, header.segment_size, header.system_id}) {
  pages_.start = header.start;
  changes_.pg_major = header.pg_major;
  changes_.start = header.start;
  changes_.size = header.segment_size;
}

Result<std::unique_ptr<SegmentChangesReader>> SegmentChangesReader::Start(ByteView first_bytes, Lsn start,
                                                                          std::optional<Lsn> end) {
  PITR_ASSIGN(const SegmentHeader header, CheckSegmentHeader(first_bytes));
  if (header.start != start) return Damage(start, "is expected, and the segment is of " + header.start.ToString());
  return std::unique_ptr<SegmentChangesReader>(new SegmentChangesReader(header, end));
}

bool SegmentChangesReader::ReachesEnd(Lsn at) const {
  return end_ && AfterPageHeader(at, header_.segment_size) >= *end_;
}

// Collects the rest of a record begun before this segment from the beginnings of its pages.
Status SegmentChangesReader::FeedHead() {
  SegmentChanges::Head& head = changes_.head;
  for (size_t offset = 0; offset < pages_.bytes.size() && !head_done_; offset += kWalPageSize) {
    const ByteView bytes = pages_.bytes.subspan(offset, kWalPageSize);
    const Lsn at{pages_.start.value + offset};
    const WalPageHeader page = ReadWalPageHeader(bytes);
    const bool continues = page.continues_record && page.remaining_size != 0;
    if (at == header_.start && continues) head.missing = page.remaining_size;
    if (!continues) {
      changes_.abandons = page.overwrites_record;
      if (head.missing != 0 && !changes_.abandons) return Damage(at, "does not continue a record");
      head = {};
      head_done_ = true;
    } else {
      if (page.remaining_size != head.missing - head.here) return Damage(at, "continues a record at another place");
      const size_t n = std::min<size_t>(kWalPageSize - page.size(), page.remaining_size);
      AppendUpTo(SegmentChanges::kPieceBytes, bytes.subspan(page.size(), n), head.bytes);
      head.here += static_cast<uint32_t>(n);
      assert(head.here <= head.missing && head.bytes.size() <= head.here);
      head_done_ = head.here == head.missing;
    }
  }
  return Status::Ok();
}

Status SegmentChangesReader::Feed(ByteView pages) {
  if (pages.size() % kWalPageSize != 0) return {Code::kInternal, "WAL was fed in parts of pages"};
  pages_.start.value += pages_.bytes.size();
  pages_.bytes = pages;
  if (!head_done_) PITR_TRY(FeedHead());
  while (!done_) {
    PITR_ASSIGN(const WalRecord* record, reader_.Next());
    if (record == nullptr) break;
    done_ = end_ && record->start >= *end_;
    if (done_) break;
    PITR_TRY(AddChangesOf(*record, &changes_.changes, &changes_.actions));
    done_ = ReachesEnd(record->end);
  }
  if (reader_.end().reason != WalEnd::Reason::kNone && ReachesEnd(reader_.end().lsn)) done_ = true;
  return Status::Ok();
}

Result<SegmentChanges> SegmentChangesReader::Finish() {
  if (done_) return std::move(changes_);
  const WalEnd& reached = reader_.end();
  const uint64_t segment_end = header_.start.value + header_.segment_size;
  const bool fed = pages_.start.value + pages_.bytes.size() == segment_end;
  const bool whole = fed && reached.reason == WalEnd::Reason::kNoPage &&
                     (reached.incomplete_record || reached.lsn.value >= segment_end);
  if (end_ || !whole) return Damage(reached.lsn, "ends before its segment does");
  if (reached.incomplete_record) {
    changes_.tail.start = reached.lsn;
    changes_.tail.here = static_cast<uint32_t>(reader_.incomplete_record().size());
    AppendUpTo(SegmentChanges::kPieceBytes, reader_.incomplete_record(), changes_.tail.bytes);
    assert(changes_.tail.bytes.size() <= SegmentChanges::kPieceBytes);
  }
  return std::move(changes_);
}

Result<SegmentChanges> ReadSegmentChanges(ByteView segment, Lsn start, std::optional<Lsn> end) {
  PITR_ASSIGN(const auto reader, SegmentChangesReader::Start(segment, start, end));
  PITR_TRY(reader->Feed(segment));
  return reader->Finish();
}

Status SegmentChangesJoiner::FinishRecord(int pg_major) {
  WalRecord record;
  record.pg_major = pg_major;
  record.start = record_start_;
  const bool whole = bytes_.size() == passed_;
  if (whole && (bytes_.size() < kWalRecordHeaderSize || !WalRecordCrcIsRight(bytes_)))
    return Damage(record_start_, "has a record with a wrong checksum");
  PITR_TRY(whole ? DecodeWalRecord(bytes_, &record) : DecodeWalRecordBeginning(bytes_, &record));
  Status added = AddChangesOf(record, &changes_, &actions_);
  if (!added.ok() && !whole) {
    changes_.AddEverything(BlockChanges::Unknown::kLongRecord, record_start_);
    return Status::Ok();
  }
  return added;
}

Status SegmentChangesJoiner::ContinueRecord(const SegmentChanges& segment) {
  const SegmentChanges::Head& head = segment.head;
  if (segment.abandons) missing_ = 0;
  if (head.missing != missing_)
    return Damage(segment.start, "continues a record with " + std::to_string(head.missing) + " bytes to come, not " +
                                     std::to_string(missing_));
  if (missing_ == 0) return Status::Ok();
  if (head.here > missing_) return Damage(segment.start, "has more of a record than is missing");
  if (record_start_.valid() && bytes_.size() == passed_)
    bytes_.insert(bytes_.end(), head.bytes.begin(), head.bytes.end());
  passed_ += head.here;
  missing_ -= head.here;
  return missing_ == 0 && record_start_.valid() ? FinishRecord(segment.pg_major) : Status::Ok();
}

Status SegmentChangesJoiner::Add(const SegmentChanges& segment) {
  if (next_ && segment.start != *next_) return Damage(segment.start, "is not what follows " + next_->ToString());
  if (!next_) missing_ = segment.head.missing;
  next_ = Lsn{segment.start.value + segment.size};
  PITR_TRY(ContinueRecord(segment));
  changes_.Merge(segment.changes);
  actions_.insert(actions_.end(), segment.actions.begin(), segment.actions.end());
  if (!segment.tail.start.valid()) return Status::Ok();
  const uint64_t size = segment.tail.bytes.size() < sizeof(uint32_t) ? 0 : LoadLe<uint32_t>(segment.tail.bytes.data());
  if (missing_ != 0 || size <= segment.tail.here)
    return Damage(segment.tail.start, "has a record that cannot go on in the next segment");
  record_start_ = segment.tail.start;
  bytes_ = segment.tail.bytes;
  passed_ = segment.tail.here;
  missing_ = size - passed_;
  return Status::Ok();
}

}  // namespace pitr
