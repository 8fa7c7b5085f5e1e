// Reads WAL record by record from pages that a source provides, checking everything the server checks:
// page headers, continuation across pages and segments, the chain of previous-record pointers, CRCs.
// Used by one thread. Format and rules: access/transam/xlogreader.c of 15 to 19.
#pragma once
#include <functional>
#include <optional>
#include <string>

#include "core/base/bytes.h"
#include "core/base/status.h"
#include "core/pg/lsn.h"
#include "core/pg/wal_page.h"
#include "core/pg/wal_record.h"

namespace pitr {

// Where pages come from.
class WalPageSource {
 public:
  virtual ~WalPageSource() = default;
  // The kWalPageSize bytes at `address`, a multiple of that; valid until the next call. An empty view when
  // there is no WAL there (yet). Asked for in increasing order, and for the same page again after an end.
  virtual Result<ByteView> ReadPage(Lsn address) = 0;
};

// Pages of whole segments (or of the beginning of one) that a function provides.
class SegmentPageSource : public WalPageSource {
 public:
  // The bytes of a segment, valid until the next call; empty when there is no such segment. A partial
  // page at the end of the bytes counts as absent.
  using ReadSegment = std::function<Result<ByteView>(SegmentNo)>;
  SegmentPageSource(uint32_t segment_size, ReadSegment read) : segment_size_(segment_size), read_(std::move(read)) {}
  Result<ByteView> ReadPage(Lsn address) override;

 private:
  const uint32_t segment_size_;
  const ReadSegment read_;
  std::optional<SegmentNo> current_;
  ByteView bytes_;
};

// Why there is no further record.
struct WalEnd {
  enum class Reason {
    kNone,    // the reader is not at an end
    kNoPage,  // the source has no more pages: reading can go on when it has
    kZeroes,  // zeroes where a record or page would be: nothing was written here, or the file is padded
    kOldPage  // a page of an earlier use of the file: nothing was written here after it was recycled
  };
  Reason reason = Reason::kNone;
  Lsn lsn;                         // where the next record would start, or the incomplete one starts
  bool incomplete_record = false;  // a record starts at `lsn` but its rest is missing
};

class WalReader {
 public:
  struct Options {
    Lsn start;  // a record, or anywhere: then reading starts with the first record that starts at or after it
    uint32_t segment_size = 16u << 20;
    SystemId system_id;  // checked in segment headers when valid
  };
  // `source` outlives the reader.
  WalReader(WalPageSource& source, const Options& options);

  // The next record, valid until the next call; nullptr at the end of WAL (see end()); calling again tries
  // again. kCorruption when there is WAL that is not right; then at() is where, and there is no going on.
  // When WAL is read from a server that crashed, damage in its last records is to be expected: the server takes
  // every error for the end of WAL. In segments that were archived whole it never is.
  // Errors of the source are returned as they are.
  Result<const WalRecord*> Next();

  const WalEnd& end() const { return end_; }
  // What there is of the record at an end with incomplete_record; valid until the next call of Next().
  ByteView incomplete_record() const { return partial_ ? ByteView(assembled_) : ByteView(); }
  Lsn at() const { return partial_ ? record_start_ : next_; }  // where the next record starts
  // Set after Next() returned the record that replaces one abandoned in a crash: where that one started.
  std::optional<Lsn> abandoned_record() const { return abandoned_; }

 private:
  // The steps of Next(). False: an end, described in end_.
  Result<bool> LoadPage(Lsn address);
  Result<bool> SkipToFirstRecord();
  Result<bool> BeginRecord();
  Result<bool> ContinueRecord();
  Status CheckRecordHeader(ByteView header) const;
  Status FinishRecord(ByteView bytes, Lsn end);
  bool EndAt(WalEnd::Reason reason, Lsn lsn, bool incomplete);
  bool IsRestOfSwitch() const;
  Lsn EndOfSegment(Lsn lsn) const;

  WalPageSource& source_;
  const Options options_;
  bool searching_ = true;  // the first record's place is not known yet
  Lsn next_;               // where the next record starts; at the start of a page its header comes first
  Lsn previous_;           // start of the last record read; 0/0 before the first
  ByteView page_;          // the page loaded last, empty if none
  Lsn page_address_;
  WalPageHeader header_;  // of that page
  Timeline last_timeline_;
  int pg_major_ = 0;      // of the first page
  bool partial_ = false;  // a record is being put together from several pages
  Lsn record_start_;
  uint32_t record_size_ = 0;
  Bytes assembled_;    // its bytes so far
  Lsn assembly_page_;  // the page they continue on
  std::optional<Lsn> abandoned_;
  bool returned_ = false;  // abandoned_ was seen by the caller
  WalRecord record_;
  WalEnd end_;
};

}  // namespace pitr
