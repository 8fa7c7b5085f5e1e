// Where PostgreSQL stops replay for a recovery target: the comparison it makes with each record, so that
// a plan can say beforehand what recovery will do. Pure function; any thread.
// Rules: recoveryStopsBefore() and recoveryStopsAfter() of access/transam/xlogrecovery.c, the same in 15 to 19.
#pragma once
#include <string>

#include "core/pg/lsn.h"
#include "core/pg/wal_event.h"

namespace pitr {

struct StopTarget {
  enum class Kind {
    kLatest,     // never stops
    kImmediate,  // stops as soon as the backup is consistent: decided by the caller, not by a record
    kTime,
    kXid,
    kName,
    kLsn
  };
  Kind kind = Kind::kLatest;
  bool inclusive = true;  // recovery_target_inclusive; without meaning for kImmediate and kName
  int64_t micros = 0;     // since 1970 UTC
  uint32_t xid = 0;
  std::string name;
  Lsn lsn;
};

enum class StopDecision { kGoOn, kStopBefore, kStopAfter };

// What replay does at the record that starts at `record_start` and is `event` (nullptr for any other kind).
// The server honours it only from the end of the backup on; a target before that is an error there.
//  - time: commits and rollbacks alone count. Inclusive stops before the first later than the target, so all
//    that share its microsecond are replayed; exclusive before the first at or after it. Commit times are not
//    strictly in WAL order: the first such record ends recovery even if earlier times follow.
//  - xid: the end (commit or rollback) of exactly this top-level transaction; everything that ended before it in
//    WAL is replayed, whatever its number. Subtransactions are no targets.
//  - name: after the first restore point of this name; inclusive has no meaning.
//  - lsn: after (inclusive) or before (exclusive) the first record that starts at or after the target.
StopDecision DecideStop(const StopTarget& target, Lsn record_start, const WalEvent* event);

}  // namespace pitr
