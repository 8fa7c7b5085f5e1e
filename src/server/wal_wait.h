// Waits until every WAL segment a backup needs is in the repository.
#pragma once
#include <functional>
#include <string>

#include "core/repo/repository.h"
#include "server/log_pg.h"

namespace pitr::server {

struct WalNeed {
  Timeline timeline;
  SegmentNo first;
  SegmentNo last;  // inclusive
  uint64_t count() const { return last.value - first.value + 1; }
};

// Looks at pg_wal/archive_status until the archiver has done with the last segment, then asks the repository for every
// one. `progress` is told how many are done. kUnavailable naming the segment and the archiver's last error when
// archiving makes no progress for `timeout_ms`; kConflict when a segment was archived to somewhere else. Main thread;
// may throw PgError. `repository` is never freed: a thread may be left behind with it.
Status WaitForWal(const Repository& repository, const WalNeed& need, int timeout_ms,
                  const std::shared_ptr<QueuedLog>& log, const std::function<void(uint64_t stored)>& progress);

}  // namespace pitr::server
