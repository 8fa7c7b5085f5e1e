// The process that fetches WAL ahead of a recovering server. Follows the requests in the spool, keeps the segments
// after the one asked for last there, and ends by itself: when nothing was asked for a minute, recovery has ended, the
// server is gone, or the spool is.
#pragma once
#include "core/repo/repository.h"
#include "core/restore/wal_spool.h"

namespace pitr {

struct PrefetchLimits {
  int jobs = 4;
  uint64_t spool_bytes = uint64_t{128} << 20;  // but at least two segments
  int max_segments = 16;
  int64_t idle_millis = 60000;
  int64_t absent_millis = 5000;  // how soon a segment that was not there is asked for again
};

// How many segments are kept ahead.
int PrefetchWindow(const PrefetchLimits& limits, uint32_t segment_size);

// Blocks until it is time to end, then removes the spool.
// Failures of single segments are nobody's error: who asks for them gets them first hand.
Status RunPrefetcher(const Repository& repository, const HeldSpool& spool, const PrefetchLimits& limits,
                     const OpContext& ctx);

}  // namespace pitr
