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

}  // namespace pitr
