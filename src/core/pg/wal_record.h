// One WAL record, taken apart: header, references to blocks of relations, and the resource manager's own
// data. Views point into the bytes that were decoded. Plain values; any thread.
// Format: access/xlogrecord.h of 15 to 19.
#pragma once
#include <string_view>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/status.h"
#include "core/pg/lsn.h"
#include "core/pg/relation_file.h"

namespace pitr {

inline constexpr uint32_t kWalRecordHeaderSize = 24;
inline constexpr uint32_t kMaxWalRecordSize = 1020u << 20;

enum class Rmgr : uint8_t {  // resource managers this program looks into
  kXlog = 0,
  kTransaction = 1,
  kStorage = 2,
  kDatabase = 4,
  kTablespace = 5,
  kStandby = 8,
  kHeap = 10,
  kReplicationOrigin = 19,
  kXlog2 = 22  // since 19
};
// As pg_waldump prints it ("Heap2"); "custom" from 128 on; "unknown".
std::string_view RmgrName(Rmgr rmgr);
// Built into this version, or in the range for extensions.
bool IsValidRmgr(uint8_t rmgr, int pg_major);

struct RelationLocator {
  uint32_t tablespace = 0;  // OID; 1663 pg_default, 1664 pg_global
  uint32_t database = 0;    // OID; 0 for shared relations
  uint32_t number = 0;      // relfilenode
  auto operator<=>(const RelationLocator&) const = default;
};

struct BlockReference {
  uint8_t id = 0;
  RelationLocator relation;
  Fork fork = Fork::kMain;
  uint32_t block = 0;
  bool has_image = false;    // a copy of the page, without its hole, perhaps compressed
  bool apply_image = false;  // replay restores the page from it
  bool will_init = false;    // replay does not read the old page
  ByteView image;
  ByteView data;
};

struct WalRecord {
  int pg_major = 0;
  Lsn start;
  Lsn end;            // where the next record starts: after alignment, and of a switch record after the segment
  Lsn previous;       // start of the previous record, as stored
  Timeline timeline;  // of the page the record ends on; after a fork it changes with the next page only
  uint32_t size = 0;  // without alignment
  uint32_t xid = 0;
  uint8_t info = 0;  // upper four bits: the resource manager's; see operation()
  Rmgr rmgr = Rmgr::kXlog;
  uint16_t origin = 0;  // replication origin, 0 none
  uint32_t toplevel_xid = 0;
  std::vector<BlockReference> blocks;  // increasing id
  ByteView main_data;

  uint8_t operation() const { return info & 0xF0; }
  uint32_t ImageSize() const;
};

// CRC over everything but the CRC itself. `bytes` is a whole record of at least the header's size.
bool WalRecordCrcIsRight(ByteView bytes);

// Takes `bytes`, a whole record, apart; start, end, timeline and pg_major are the caller's. Reuses the memory of
// `record`. kCorruption when lengths or flags contradict each other, as the server would say.
Status DecodeWalRecord(ByteView bytes, WalRecord* record);

// The same for the beginning of a record, which must reach to the end of its headers: kMaxWalRecordHeadersSize bytes
// always do. The blocks get no image and no data; main_data is what there is of it, or empty.
inline constexpr uint32_t kMaxWalRecordHeadersSize = 1024;
Status DecodeWalRecordBeginning(ByteView bytes, WalRecord* record);

}  // namespace pitr
