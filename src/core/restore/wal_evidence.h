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

}  // namespace pitr
