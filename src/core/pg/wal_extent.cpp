#include "core/pg/wal_extent.h"

#include <algorithm>

namespace pitr {
namespace {

class ExtentFinder {
 public:
  ExtentFinder(WalPageSource& source, Lsn start, uint32_t segment_size, TornRecord torn)
      : source_(source), start_(start), segment_size_(segment_size), torn_(torn) {}

  Result<WalExtent> Find() {
    PITR_ASSIGN(const bool last_written, IsOfThisUse(LastPage()));
    if (last_written) {
      PITR_ASSIGN(const Outcome of_last_page, Read(LastPage()));
      if (of_last_page.what == Outcome::What::kComplete) return Whole();
    }
    PITR_ASSIGN(const Outcome outcome, Read(start_));
    if (outcome.what == Outcome::What::kComplete) return Whole();
    if (outcome.what == Outcome::What::kUnreadable) {
      PITR_ASSIGN(const bool is_end, IsEnd(outcome, last_written));
      if (!is_end) return Whole();
    }
    WalExtent extent;
    extent.end = std::max(outcome.at, Lsn{start_.value + kLongWalPageHeaderSize});
    PITR_ASSIGN(extent.written_bytes, WrittenBytes(extent.end));
    return extent;
  }

 private:
  struct Outcome {
    enum class What { kComplete, kUnwritten, kUnreadable } what = What::kComplete;
    Lsn at;        // where the next record would start
    Lsn previous;  // start of the record before; 0/0 when none was read
  };

  Lsn End() const { return {start_.value + segment_size_}; }
  Lsn LastPage() const { return {End().value - kWalPageSize}; }
  static Lsn PageOf(Lsn lsn) { return {lsn.value - lsn.value % kWalPageSize}; }

  WalExtent Whole() const { return {true, End(), segment_size_}; }

  Result<bool> IsOfThisUse(Lsn address) {
    PITR_ASSIGN(const ByteView page, source_.ReadPage(address));
    return page.size() == kWalPageSize && CheckWalPageHeader(ReadWalPageHeader(page), address, segment_size_).ok();
  }

  Result<Outcome> Read(Lsn from) {
    WalReader::Options options;
    options.start = from;
    options.segment_size = segment_size_;
    WalReader reader(source_, options);
    Outcome outcome;
    for (;;) {
      auto next = reader.Next();
      outcome.at = reader.at();
      if (!next.ok()) {
        if (next.code() != Code::kCorruption) return std::move(next).status();
        outcome.what = Outcome::What::kUnreadable;
        return outcome;
      }
      if (next.value() == nullptr) break;
      outcome.previous = next.value()->start;
    }
    if (reader.end().reason != WalEnd::Reason::kNoPage) outcome.what = Outcome::What::kUnwritten;
    return outcome;
  }

  // Whether what cannot be read is where writing ended.
  Result<bool> IsEnd(const Outcome& outcome, bool last_written) {
    if (torn_ == TornRecord::kEnd) return !last_written || PageOf(outcome.at) == LastPage();
    if (!outcome.previous.valid()) return false;
    PITR_ASSIGN(const bool follows, FollowsPrevious(outcome));
    if (follows) return false;
    for (Lsn page{PageOf(outcome.at).value + kWalPageSize}; page < End(); page.value += kWalPageSize) {
      PITR_ASSIGN(const bool written, IsOfThisUse(page));
      if (written) return false;
    }
    return true;
  }

  // Whether the bytes there claim to be the record after the last one that was read; true when that cannot be told.
  Result<bool> FollowsPrevious(const Outcome& outcome) {
    constexpr size_t kPreviousOffset = 8;
    PITR_ASSIGN(const ByteView page, source_.ReadPage(PageOf(outcome.at)));
    if (page.size() != kWalPageSize) return true;
    size_t offset = outcome.at.value % kWalPageSize;
    if (offset == 0) offset = ReadWalPageHeader(page).size();
    if (offset + kPreviousOffset + sizeof(uint64_t) > page.size()) return true;
    return LoadLe<uint64_t>(page.data() + offset + kPreviousOffset) == outcome.previous.value;
  }

  Result<uint64_t> WrittenBytes(Lsn end) {
    Lsn page = PageOf(end);
    while (page < End()) {
      PITR_ASSIGN(const bool written, IsOfThisUse(page));
      if (!written) break;
      page.value += kWalPageSize;
    }
    return page.value - start_.value;
  }

  WalPageSource& source_;
  const Lsn start_;
  const uint32_t segment_size_;
  const TornRecord torn_;
};

}  // namespace

Result<WalExtent> FindWalExtent(WalPageSource& source, Lsn start, uint32_t segment_size, TornRecord torn) {
  return ExtentFinder(source, start, segment_size, torn).Find();
}

}  // namespace pitr
