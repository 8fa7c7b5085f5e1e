// The header at the start of every 8192-byte page of WAL, and of the segment whose first page it is.
// Pure functions; any thread. Format: access/xlog_internal.h of 15 to 19.
#pragma once
#include <optional>

#include "core/base/bytes.h"
#include "core/base/status.h"
#include "core/pg/lsn.h"

namespace pitr {

inline constexpr uint32_t kWalPageSize = 8192;
inline constexpr uint32_t kShortWalPageHeaderSize = 24;
inline constexpr uint32_t kLongWalPageHeaderSize = 40;  // first page of a segment

struct WalPageHeader {
  int pg_major = 0;  // from the magic number; 0 when unknown
  uint16_t magic = 0;
  uint16_t info = 0;  // flag bits as stored
  Timeline timeline;
  Lsn address;                  // of the page's first byte
  uint32_t remaining_size = 0;  // bytes of a record begun earlier that are still to come, from this page on
  bool continues_record = false;
  bool is_long = false;
  bool overwrites_record = false;  // the record begun earlier was abandoned by a crash; a new one starts here
  // Only in a long header.
  SystemId system_id;
  uint32_t segment_size = 0;
  uint32_t block_size = 0;

  uint32_t size() const { return is_long ? kLongWalPageHeaderSize : kShortWalPageHeaderSize; }
};

// 15 to 19, or nullopt for another version's WAL and for what is no WAL at all.
std::optional<int> PgMajorOfWalMagic(uint16_t magic);

// `page` has at least kLongWalPageHeaderSize bytes. Nothing is checked.
WalPageHeader ReadWalPageHeader(ByteView page);

// The checks a page must pass by itself: known magic, known flags, and of a long header its sizes; a long
// one exactly where a segment starts (in WAL of `segment_size`); the address expected. kCorruption.
Status CheckWalPageHeader(const WalPageHeader& header, Lsn expected_address, uint32_t segment_size);

// What a segment says about itself.
struct SegmentHeader {
  int pg_major = 0;
  SystemId system_id;
  // Of the first page. A file named for a newer timeline starts with its parent's pages when the
  // timeline began inside this segment, so this may be less than the timeline in the name.
  Timeline timeline;
  Lsn start;
  uint32_t segment_size = 0;
};

// `first_bytes`: the first kLongWalPageHeaderSize or more bytes of a segment. kCorruption when they are
// no segment header (zeroes: never written); kInvalidArgument for WAL of an unsupported version.
Result<SegmentHeader> CheckSegmentHeader(ByteView first_bytes);

// kConflict when the segment is of another cluster; kCorruption when it is not the one that a file of
// this timeline and number must hold.
Status CheckSegmentIs(const SegmentHeader& header, SystemId system_id, Timeline timeline, SegmentNo segment,
                      uint32_t segment_size);

}  // namespace pitr
