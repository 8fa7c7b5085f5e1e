// The tablespaces that replaying one WAL segment makes. PostgreSQL makes a tablespace in the place that WAL names and
// uses what it finds there: beside a running original that is the original's own directory. A plan looks at the places
// that it knows of, but a standby and a recovery to the end of the archive replay more, and a place that was free may
// be another's by the time of the replay. So each segment with such a record is looked at before the server gets it.
#pragma once
#include <string>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/status.h"
#include "core/pg/wal_name.h"
#include "core/restore/plan.h"

namespace pitr {

// How many bytes of the end of the segment before are enough to know a record of that kind that begins there.
inline constexpr size_t kSegmentTailBytes = 2 * kWalPageSize;

struct SegmentPlaces {
  std::vector<ReplayEffects::NewTablespace> made;  // with a path, by records that end in the segment
  int pg_major = 0;                                // when there are any
};

// `tail`: the last kSegmentTailBytes of the segment before, or empty: then a record that begins there is not seen. What
// follows damage is not seen, and not replayed. Any thread.
SegmentPlaces FindSegmentPlaces(ByteView segment, SegmentNo no, ByteView tail);

// Whether the segment's first page continues a record that may make a tablespace: then its tail is needed.
bool NeedsTail(ByteView segment);

// The end of segment `no` as the server of the data directory has it in pg_wal, of the newest timeline; empty if it is
// not there.
Bytes TailInWalDirectory(const std::string& data_directory, SegmentNo no, uint32_t segment_size);

// `file`: the segment as it was fetched for the recovering server of `data_directory`, which has those before it.
// kConflict when it would make a tablespace in a place that another uses or is to use, or that holds another's: the
// server must not get it. Ok for records that it does not replay. What cannot be read is left to the server, which
// stops there. Blocks; any thread. Memory: the segment.
Status CheckSegmentPlaces(const std::string& data_directory, const std::string& name, const std::string& file);

}  // namespace pitr
