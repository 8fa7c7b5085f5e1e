// After a promotion: WAL of the timelines before, which this server has streamed and PostgreSQL therefore neither
// archives nor keeps. What the repository lacks of it is made to wait for the archiver like the server's own, which
// keeps it from being recycled and shows it in the backlog (docs/design/014-gaps.md). Plain POSIX; any thread.
#pragma once
#include "core/base/log.h"
#include "core/repo/repository.h"

namespace pitr::server {

// `own`: the timeline the server writes. `repository` is null when it cannot be opened: then everything that could be
// missing waits. Works in the server's data directory. Success and failure are told to the log; there is nobody else to
// tell.
void KeepOldTimelines(const Repository* repository, const ClusterIdentity& cluster, Timeline own, Log& log,
                      const OpContext& ctx);

}  // namespace pitr::server
