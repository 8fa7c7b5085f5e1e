// How far the file of a WAL segment was written: a server that died, or a standby whose stream ended, leaves the rest
// zero or as it was when the file was an older segment. Pure function of the pages.
#pragma once
#include "core/pg/wal_reader.h"

namespace pitr {

struct WalExtent {
  bool whole = false;          // records up to the end, or up to a switch, after which nothing comes
  Lsn end;                     // of the last complete record; of the segment when whole
  uint64_t written_bytes = 0;  // up to the first page behind `end` that is not of this segment; whole pages
};

// What a record that cannot be read, with nothing but unwritten pages behind it, is taken for.
enum class TornRecord {
  kDamage,  // of a file that the server calls complete: an end only if what is there does not follow the record before
  kEnd      // of a file that a server left behind
};

// `source` has the pages of the one segment that starts at `start`, whose header was checked, and no others. Mostly one
// page is read: where the last page was written in this use of the file, it tells all. Errors of the source; damage
// that is no end makes a segment whole, as it is not for us to shorten.
Result<WalExtent> FindWalExtent(WalPageSource& source, Lsn start, uint32_t segment_size, TornRecord torn);

}  // namespace pitr
