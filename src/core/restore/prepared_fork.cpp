#include "core/restore/prepared_fork.h"

#include <set>

#include "core/restore/wal_scan.h"

namespace pitr {

Result<std::optional<PreparedFork>> FindPreparedFork(const Repository& repository, const WalPath& path, SegmentNo first,
                                                     Lsn stop, const OpContext& ctx) {
  WalScanner scanner(repository, path, ctx);
  for (const TimelineEntry& entry : path.history().entries()) {
    if (!entry.end.valid() || entry.end >= stop) break;
    const SegmentNo segment = SegmentOf(entry.end, path.segment_size());
    if (segment < first) continue;
    std::set<uint32_t> prepared;
    bool checkpoint = false;
    PITR_TRY(scanner.Scan(segment, segment, [&](const WalEvent& event) {
      if (event.start >= entry.end) {
        // A promotion writes the end of recovery there, which reads nothing again.
        const auto* at = std::get_if<Checkpoint>(&event.what);
        checkpoint = at != nullptr && at->shutdown;
        return false;
      }
      if (const auto* prepare = std::get_if<TransactionPrepared>(&event.what)) prepared.insert(prepare->xid);
      const auto* end = std::get_if<TransactionEnd>(&event.what);
      if (end != nullptr && end->prepared) prepared.erase(end->xid);
      return true;
    }));
    if (checkpoint && !prepared.empty())
      return std::optional(PreparedFork{entry.timeline, entry.end, *prepared.begin()});
  }
  return std::optional<PreparedFork>();
}

}  // namespace pitr
