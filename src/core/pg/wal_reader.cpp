// The state between calls is small: where the next record starts, and what is there of a record that
// continues on a page not read yet. So pages are only ever needed going forward.
#include "core/pg/wal_reader.h"

#include <algorithm>

namespace pitr {
namespace {

constexpr uint8_t kXlogSwitch = 0x40;
constexpr size_t kRecordAlignment = 8;

constexpr uint64_t Align8(uint64_t value) { return (value + 7) & ~uint64_t{7}; }
constexpr uint32_t OffsetInPage(Lsn lsn) { return static_cast<uint32_t>(lsn.value % kWalPageSize); }
constexpr Lsn PageOf(Lsn lsn) { return {lsn.value - lsn.value % kWalPageSize}; }
constexpr Lsn Plus(Lsn lsn, uint64_t bytes) { return {lsn.value + bytes}; }

Status Damage(Lsn record, const std::string& what) {
  return {Code::kCorruption, "WAL record at " + record.ToString() + " " + what};
}

// A page of the past: right by itself, at an earlier address.
bool IsOldPage(const WalPageHeader& header, Lsn address, uint32_t segment_size) {
  return header.address < address && header.address.value % kWalPageSize == 0 &&
         CheckWalPageHeader(header, header.address, segment_size).ok();
}

}  // namespace

Result<ByteView> SegmentPageSource::ReadPage(Lsn address) {
  const SegmentNo segment = SegmentOf(address, segment_size_);
  if (current_ != segment) {
    current_.reset();
    PITR_ASSIGN(bytes_, read_(segment));
    current_ = segment;
  }
  const uint64_t offset = address.value % segment_size_;
  if (offset + kWalPageSize > bytes_.size()) {
    current_.reset();  // there may be more of it next time
    return ByteView();
  }
  return bytes_.subspan(offset, kWalPageSize);
}

WalReader::WalReader(WalPageSource& source, const Options& options)
    : source_(source), options_(options), next_(PageOf(options.start)) {}

Lsn WalReader::EndOfSegment(Lsn lsn) const {
  return {lsn.value - lsn.value % options_.segment_size + options_.segment_size};
}

bool WalReader::EndAt(WalEnd::Reason reason, Lsn lsn, bool incomplete) {
  page_ = {};  // it may have changed when the caller tries again
  end_ = {reason, lsn, incomplete};
  return false;
}

Result<bool> WalReader::LoadPage(Lsn address) {
  if (!page_.empty() && page_address_ == address) return true;
  page_ = {};
  PITR_ASSIGN(const ByteView page, source_.ReadPage(address));
  if (page.empty()) return EndAt(WalEnd::Reason::kNoPage, at(), partial_);
  if (page.size() != kWalPageSize) return Status(Code::kInternal, "WAL page source returned a page of another size");
  const WalPageHeader header = ReadWalPageHeader(page);
  if (header.magic == 0 && AllZero(page)) return EndAt(WalEnd::Reason::kZeroes, at(), partial_);
  if (IsOldPage(header, address, options_.segment_size)) return EndAt(WalEnd::Reason::kOldPage, at(), partial_);
  PITR_TRY(CheckWalPageHeader(header, address, options_.segment_size));
  const std::string where = "WAL page at " + address.ToString();
  if (header.is_long && options_.system_id.valid() && header.system_id != options_.system_id)
    return Status(Code::kConflict, where + " is of the cluster with system identifier " +
                                       std::to_string(header.system_id.value) + ", not " +
                                       std::to_string(options_.system_id.value));
  if (header.timeline < last_timeline_)
    return Status(Code::kCorruption, where + " goes back to timeline " + std::to_string(header.timeline.value));
  if (pg_major_ != 0 && header.pg_major != pg_major_)
    return Status(Code::kCorruption,
                  where + " is of version " + std::to_string(header.pg_major) + ", not " + std::to_string(pg_major_));
  page_ = page;
  page_address_ = address;
  header_ = header;
  last_timeline_ = header.timeline;
  pg_major_ = header.pg_major;
  return true;
}

// Whether the rest of a record that started in the segment before is that of a switch, of which only the last bytes of
// the header are here, and nothing follows.
bool WalReader::IsRestOfSwitch() const {
  const size_t rest = header_.remaining_size;
  if (!header_.is_long || (rest != kRecordAlignment && rest != 2 * kRecordAlignment)) return false;
  const ByteView here = page_.subspan(header_.size());
  const ByteView end_of_header = here.subspan(rest - kRecordAlignment, kRecordAlignment);
  return (end_of_header[0] & 0xF0) == kXlogSwitch && end_of_header[1] == static_cast<uint8_t>(Rmgr::kXlog) &&
         AllZero(here.subspan(rest));
}

// Steps over the rest of a record that started before the first page.
Result<bool> WalReader::SkipToFirstRecord() {
  for (;;) {
    PITR_ASSIGN(const bool loaded, LoadPage(next_));
    if (!loaded) return false;
    const uint64_t rest = header_.continues_record ? Align8(header_.remaining_size) : 0;
    if (rest < kWalPageSize - header_.size()) {
      if (rest != 0) next_ = IsRestOfSwitch() ? EndOfSegment(page_address_) : Plus(next_, header_.size() + rest);
      break;
    }
    next_ = Plus(next_, kWalPageSize);
  }
  searching_ = false;
  return true;
}

Status WalReader::CheckRecordHeader(ByteView header) const {
  const uint8_t rmgr = header[17];
  const Lsn previous{LoadLe<uint64_t>(header.data() + 8)};
  if (!IsValidRmgr(rmgr, pg_major_))
    return Damage(record_start_, "has an unknown resource manager " + std::to_string(rmgr));
  if (previous_.valid() ? previous != previous_ : previous >= record_start_)
    return Damage(record_start_, "says the previous record is at " + previous.ToString());
  return Status::Ok();
}

// Reads the record at next_, or what this page has of it.
Result<bool> WalReader::BeginRecord() {
  PITR_ASSIGN(const bool loaded, LoadPage(PageOf(next_)));
  if (!loaded) return false;
  uint32_t offset = OffsetInPage(next_);
  if (offset == 0) offset = header_.size();
  record_start_ = Plus(page_address_, offset);
  if (offset < header_.size()) return Damage(record_start_, "lies in a page header");
  if (offset == header_.size() && header_.continues_record)
    return Damage(record_start_, "is the rest of a record that did not start");
  const ByteView here = page_.subspan(offset);
  record_size_ = LoadLe<uint32_t>(here.data());
  if (record_size_ == 0 && AllZero(here)) return EndAt(WalEnd::Reason::kZeroes, next_, false);
  if (record_size_ < kWalRecordHeaderSize || record_size_ > kMaxWalRecordSize)
    return Damage(record_start_, "has an impossible length of " + std::to_string(record_size_));
  if (here.size() >= kWalRecordHeaderSize) PITR_TRY(CheckRecordHeader(here));
  if (record_size_ <= here.size()) {
    PITR_TRY(FinishRecord(here.first(record_size_), Plus(record_start_, Align8(record_size_))));
    return true;
  }
  assembled_.assign(here.begin(), here.end());
  assembly_page_ = Plus(page_address_, kWalPageSize);
  partial_ = true;
  return true;
}

// Takes the rest of the record from the pages that follow. Leaves partial_ set only at an end.
Result<bool> WalReader::ContinueRecord() {
  while (assembled_.size() < record_size_) {
    PITR_ASSIGN(const bool loaded, LoadPage(assembly_page_));
    if (!loaded) return false;
    if (header_.overwrites_record) {
      abandoned_ = record_start_;
      next_ = assembly_page_;
      partial_ = false;
      return true;
    }
    if (!header_.continues_record) return Damage(record_start_, "is not continued on the next page");
    const size_t missing = record_size_ - assembled_.size();
    if (header_.remaining_size != missing)
      return Damage(record_start_, "lacks " + std::to_string(missing) + " bytes, but the next page has " +
                                       std::to_string(header_.remaining_size));
    const ByteView part = page_.subspan(header_.size());
    const bool header_was_checked = assembled_.size() >= kWalRecordHeaderSize;
    assembled_.insert(assembled_.end(), part.begin(),
                      part.begin() + static_cast<ptrdiff_t>(std::min(part.size(), missing)));
    if (!header_was_checked) PITR_TRY(CheckRecordHeader(assembled_));
    assembly_page_ = Plus(assembly_page_, kWalPageSize);
  }
  PITR_TRY(FinishRecord(assembled_, Plus(page_address_, header_.size() + Align8(header_.remaining_size))));
  partial_ = false;
  return true;
}

Status WalReader::FinishRecord(ByteView bytes, Lsn end) {
  if (!WalRecordCrcIsRight(bytes)) return Damage(record_start_, "has a wrong checksum");
  record_.pg_major = pg_major_;
  record_.start = record_start_;
  record_.timeline = header_.timeline;
  PITR_TRY(DecodeWalRecord(bytes, &record_));
  const bool is_switch = record_.rmgr == Rmgr::kXlog && record_.operation() == kXlogSwitch;
  if (is_switch && end.value % options_.segment_size != 0) end = EndOfSegment(end);  // nothing follows in it
  record_.end = end;
  previous_ = record_start_;
  next_ = end;
  return Status::Ok();
}

Result<const WalRecord*> WalReader::Next() {
  end_ = {};
  if (returned_) abandoned_.reset();
  returned_ = false;
  if (searching_) {
    PITR_ASSIGN(const bool found, SkipToFirstRecord());
    if (!found) return nullptr;
  }
  for (;;) {
    if (!partial_) {
      PITR_ASSIGN(const bool begun, BeginRecord());
      if (!begun) return nullptr;
    }
    const Lsn before = previous_;
    if (partial_) {
      PITR_ASSIGN(const bool going_on, ContinueRecord());
      if (!going_on) return nullptr;
      if (previous_ == before) continue;  // it was abandoned
    }
    if (record_.start < options_.start) continue;
    returned_ = true;
    return &record_;
  }
}

}  // namespace pitr
