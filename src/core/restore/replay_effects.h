// What replay up to a plan's stop does besides changing pages, and where to stop so that it does not do half of it:
// docs/design/010-what-replay-does.md. Blocks; threads of its own.
#pragma once
#include "core/restore/plan.h"
#include "core/restore/wal_path.h"

namespace pitr {

// Completes a plan whose backup and stop are known and whose WAL up to segment `last` is all there: `replay`, and notes
// on what replay will leave half done. DROP DATABASE and its like act at a record of their own, before that of their
// commit. When the stop lies in between and the target is a time or a transaction, stop and server_target become the
// end of the last transaction that belongs in, if that comes before the action. Segments are counted in `progress`.
// Returns the last segment that replay reads now. kNotFound when replay ends with an error before the stop, whatever is
// done. Other errors of the store.
Result<SegmentNo> FindReplayEffects(const Repository& repository, const WalPath& path, SegmentNo last,
                                    RestorePlan& plan, const OpContext& ctx, Progress* progress = nullptr);

}  // namespace pitr
