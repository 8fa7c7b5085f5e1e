// What replaying a stretch of WAL does besides changing pages, from the change maps of its segments, or from the
// segments themselves where they have none. Blocks; threads of its own.
#pragma once
#include <string>
#include <vector>

#include "core/base/progress.h"
#include "core/pg/replay_action.h"
#include "core/repo/repository.h"
#include "core/restore/wal_path.h"

namespace pitr {

struct ReplayScan {
  std::vector<ReplayAction> actions;  // ascending
  std::vector<std::string> unread;    // segments that are there and damaged, with the reason: nothing is known of them
  uint64_t segments_read = 0;         // without a usable map
};

// Of the records in the segments [first, last] of `path`, all of which are there. An action whose transaction ended in
// a later segment may not say so. Errors of the store are returned; damage is in the result, because replay may
// well not get that far. Segments are counted in `progress`. Memory: for each of `jobs` threads a map, or 2 MiB of a
// segment, and the result.
Result<ReplayScan> ScanReplay(const Repository& repository, const WalPath& path, SegmentNo first, SegmentNo last,
                              int jobs, const OpContext& ctx, Progress* progress = nullptr);

}  // namespace pitr
