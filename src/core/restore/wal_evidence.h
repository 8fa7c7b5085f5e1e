// What the times in WAL records prove: who finds a record of a later time knows that everything that ended until then
// is before it. Times of the store prove nothing of the kind: what it stored late was written early.
#pragma once
#include <optional>

#include "core/restore/wal_scan.h"

namespace pitr {

struct TimedRecord {
  Lsn start;
  int64_t micros = 0;  // since 1970 UTC; of a checkpoint when it began, in whole seconds, rounded down
  const char* what = "record";
};

// nullopt for records that carry no time of the server's clock.
std::optional<TimedRecord> TimedRecordOf(const WalEvent& event);

// Of the records in [first, last] the last one with a time at or after `micros`, reading at most `max_segments` from
// the end; nullopt when there is none. Errors as WalScanner::Scan.
Result<std::optional<TimedRecord>> FindEvidence(WalScanner& scanner, SegmentNo first, SegmentNo last, int64_t micros,
                                                int max_segments);

// Where a path changes timelines while nothing of the archive is of `micros`: the older timeline's last record is
// before that, the first of the next one later. What a server did in between is not in the archive, if one ran. nullopt
// when a record of the older timeline is later, and for a time on no fork in (after, before]. Reads a few segments of
// each fork.
Result<std::optional<TimelineEntry>> SilentFork(WalScanner& scanner, const WalPath& path, Lsn after, Lsn before,
                                                int64_t micros);

}  // namespace pitr
