#include "core/restore/wal_evidence.h"

namespace pitr {

std::optional<TimedRecord> TimedRecordOf(const WalEvent& event) {
  TimedRecord record;
  record.start = event.start;
  if (const auto* end = std::get_if<TransactionEnd>(&event.what)) {
    record.micros = end->micros;
    record.what = end->committed ? "commit" : "rollback";
  } else if (const auto* point = std::get_if<RestorePoint>(&event.what)) {
    record.micros = point->micros;
    record.what = "restore point";
  } else if (const auto* checkpoint = std::get_if<Checkpoint>(&event.what)) {
    record.micros = checkpoint->micros;
    record.what = "checkpoint";
  } else if (const auto* recovered = std::get_if<EndOfRecovery>(&event.what)) {
    record.micros = recovered->micros;
    record.what = "end of a recovery";
  } else if (const auto* abandoned = std::get_if<AbandonedRecord>(&event.what)) {
    record.micros = abandoned->micros;
    record.what = "restart after a crash";
  } else {
    return std::nullopt;
  }
  return record;
}

Result<std::optional<TimedRecord>> FindEvidence(WalScanner& scanner, SegmentNo first, SegmentNo last, int64_t micros,
                                                int max_segments) {
  for (int read = 0; read < max_segments && last >= first; ++read) {
    std::optional<TimedRecord> found;
    PITR_TRY(scanner.Scan(last, last, [&](const WalEvent& event) {
      if (auto timed = TimedRecordOf(event); timed && timed->micros >= micros) found = timed;
      return true;
    }));
    if (found || last.value == 0) return found;
    --last.value;
  }
  return std::optional<TimedRecord>();
}

Result<std::optional<TimelineEntry>> SilentFork(WalScanner& scanner, const WalPath& path, Lsn after, Lsn before,
                                                int64_t micros) {
  constexpr uint64_t kSegmentsOfFork = 4;
  const SegmentNo lowest = SegmentOf(after, path.segment_size());
  for (const TimelineEntry& entry : path.history().entries()) {
    if (!entry.end.valid() || entry.end <= after || entry.end > before) continue;
    const SegmentNo fork = SegmentOf(entry.end, path.segment_size());
    const auto until = path.ReadableUntil(fork);
    int64_t opened = INT64_MAX, last = INT64_MIN;
    if (until)
      PITR_TRY(
          scanner.Scan(fork, {std::min(until->value, fork.value + kSegmentsOfFork - 1)}, [&](const WalEvent& event) {
            const auto timed = event.start >= entry.end ? TimedRecordOf(event) : std::nullopt;
            if (timed) opened = timed->micros;
            return !timed;
          }));
    if (opened <= micros) continue;
    for (SegmentNo at = fork; at >= lowest && last == INT64_MIN; --at.value) {
      PITR_TRY(scanner.Scan(at, at, [&](const WalEvent& event) {
        const auto timed = event.start < entry.end ? TimedRecordOf(event) : std::nullopt;
        if (timed) last = std::max(last, timed->micros);
        return event.start < entry.end;
      }));
      if (at.value == 0 || at.value + kSegmentsOfFork <= fork.value) break;
    }
    return last < micros ? std::optional(entry) : std::nullopt;
  }
  return std::optional<TimelineEntry>();
}

}  // namespace pitr
