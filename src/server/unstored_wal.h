// WAL that is flushed and not in the repository: what would be lost with this machine now. Measured from what is there,
// not from what the archiver did last: so it is right after a restart, and while the archiver hangs. Main thread.
#pragma once
#include <cstdint>
#include <optional>

#include "server/ready_files.h"

namespace pitr::server {

struct UnstoredWal {
  uint64_t bytes = 0;
  // When the oldest transaction in it was committed, microseconds since 1970; 0: there is none, so none would be lost.
  int64_t oldest_commit_micros = 0;
};

// From the oldest segment that waits, or the current one, to the end of flushed WAL; nullopt in recovery. Reads at the
// most kMostRead bytes of pg_wal; without a commit in them the file's own time is taken, which is not older.
// May throw PgError.
inline constexpr uint64_t kMostRead = uint64_t{4} << 20;
std::optional<UnstoredWal> MeasureUnstoredWal(const Backlog& backlog);

}  // namespace pitr::server
