// The archiver's counters outlive the server: they are kept in a file of the data directory, which no backup takes, and
// written now and then and when the archiver ends. Main thread of the archiver.
#pragma once
#include "server/shmem.h"

namespace pitr::server {

inline constexpr char kCountersFile[] = "pg_pitr.archived";
inline constexpr int64_t kCountersEveryMs = 10000;

// Takes over what an earlier archiver has left, unless there is something already. Not there, or not to be read: counts
// begin anew.
void LoadCounters(ArchiverState& state) noexcept;

// Calls nothing of PostgreSQL, so that exit hooks may use it. What cannot be written is lost.
void SaveCounters(const ArchiverState& state) noexcept;

}  // namespace pitr::server
