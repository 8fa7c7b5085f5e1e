// A transaction that is prepared where a recovery left its timeline, and whose PREPARE lies in that same segment. A hot
// standby that replays the shutdown checkpoint at such a place reads PREPARE again from the segment of the timeline
// that it is just leaving, which no restore_command was asked for, and ends with "requested WAL segment ... has already
// been removed" (xlog_redo(), PrescanPreparedTransactions() and read_local_xlog_page() of 15 to 19). Without
// hot_standby it does not read there.
#pragma once
#include <optional>

#include "core/repo/repository.h"
#include "core/restore/wal_path.h"

namespace pitr {

struct PreparedFork {
  Timeline left;  // the timeline that was left
  Lsn at;
  uint32_t xid = 0;  // prepared there
};

// The first such place that replay from segment `first` to `stop` comes to. One segment is read for each timeline that
// the path leaves there. Errors as WalScanner::Scan.
Result<std::optional<PreparedFork>> FindPreparedFork(const Repository& repository, const WalPath& path, SegmentNo first,
                                                     Lsn stop, const OpContext& ctx);

}  // namespace pitr
