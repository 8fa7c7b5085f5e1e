// pitr_status and pitr_progress: what the archiver and the running backup do, from shared memory and pg_wal; no word to
// the store.
#include "core/base/clock.h"
#include "core/pg/wal_name.h"
#include "server/guc.h"
#include "server/ready_files.h"
#include "server/rows.h"
#include "server/shmem.h"

extern "C" {
#include "access/xlog.h"
#include "access/xlog_internal.h"
}

namespace pitr::server {
namespace {

struct Snapshot {
  ArchiverState archiver;
  BackupSlot backup;
};

// Large; on the heap, and plain.
std::unique_ptr<Snapshot> TakeSnapshot() {
  RequireShared();
  auto snapshot = std::make_unique<Snapshot>();
  WithShared(LW_SHARED, [&](SharedState& shared) {
    snapshot->archiver = shared.archiver;
    snapshot->backup = shared.backup;
  });
  return snapshot;
}

std::string StateOf(const ArchiverState& archiver) {
  if (XLogArchiveMode == ARCHIVE_MODE_OFF) return "off";
  if (archiver.pid == 0) return "not started";
  if (archiver.failures > 0) return archiver.held ? "held" : "failing";
  return archiver.current_file[0] != '\0' ? "archiving" : "idle";
}

// Flushed WAL that is not in the repository: from the start of the oldest segment that waits, or of the current one.
// Nullopt on a standby.
std::optional<uint64_t> DataAtRisk(const Backlog& backlog) {
  if (PgCall([] { return RecoveryInProgress(); })) return std::nullopt;
  TimeLineID timeline = 0;
  TimeLineID* timeline_out = &timeline;
  const Lsn flushed{PgCall([timeline_out] { return GetFlushRecPtr(timeline_out); })};
  const auto segment_size = static_cast<uint32_t>(wal_segment_size);
  Lsn stored_until = SegmentStart(SegmentOf(flushed, segment_size), segment_size);
  if (!backlog.oldest_segment.empty()) {
    auto oldest = ParseWalFileName(backlog.oldest_segment, segment_size);
    if (oldest && SegmentStart(oldest->segment, segment_size) < stored_until)
      stored_until = SegmentStart(oldest->segment, segment_size);
  }
  return flushed.value - stored_until.value;
}

std::string ErrorText(const ArchiverState& archiver) {
  std::string text = archiver.error.message;
  if (text.find(archiver.error_file) == text.npos) text = std::string(archiver.error_file) + ": " + text;
  if (archiver.error.detail[0]) text += std::string(" (") + archiver.error.detail + ")";
  return text;
}

}  // namespace
}  // namespace pitr::server

using namespace pitr;
using namespace pitr::server;

PITR_FUNCTION(pitr_get_status) {
  const auto snapshot = TakeSnapshot();
  const ArchiverState& archiver = snapshot->archiver;
  const BackupSlot& backup = snapshot->backup;
  PITR_ASSIGN(const Backlog backlog, MeasureBacklog());
  const auto at_risk = DataAtRisk(backlog);
  const Config config = CurrentConfig();
  const bool has_error = archiver.error_micros != 0;
  // A segment begins with a page header, which is no data.
  const bool nothing_new = at_risk && *at_risk <= SizeOfXLogLongPHD;
  const int64_t since_last = nothing_new ? 0 : SystemClock().WallMicros() - archiver.last_micros;
  ReturnRows(fcinfo, {{StateOf(archiver),
                       archiver.pid ? Cell(std::to_string(archiver.pid)) : Cell(),
                       TextOrNull(archiver.last_file),
                       TimestampOrNull(archiver.last_micros),
                       NumberCell(archiver.archived_files),
                       NumberCell(archiver.archived_bytes),
                       NumberCell(archiver.stored_bytes),
                       NumberCell(backlog.files),
                       NumberCell(backlog.bytes),
                       TextOrNull(backlog.oldest),
                       NumberCell(static_cast<uint64_t>(archiver.in_flight)),
                       NumberCell(archiver.failures),
                       has_error ? Cell(ErrorText(archiver)) : Cell(),
                       has_error ? TextOrNull(archiver.error.hint) : Cell(),
                       has_error ? TextOrNull(archiver.error_file) : Cell(),
                       TimestampOrNull(archiver.error_micros),
                       at_risk ? NumberCell(*at_risk) : Cell(),
                       archiver.last_micros ? Cell(std::to_string(since_last) + " microseconds") : Cell(),
                       TextOrNull(config.repository),
                       BoolCell(!config.passphrase_file.empty()),
                       backup.Running() ? TextOrNull(backup.label[0] ? backup.label : backup.request.label) : Cell()}});
  return Status::Ok();
}

PITR_FUNCTION(pitr_get_progress) {
  const auto snapshot = TakeSnapshot();
  const BackupSlot& backup = snapshot->backup;
  std::vector<Row> rows;
  if (backup.Running()) {
    const bool counted = backup.bytes_total > 0;
    char percent[32] = "";
    if (counted)
      std::snprintf(percent, sizeof percent, "%.1f",
                    100.0 * static_cast<double>(backup.bytes_done) / static_cast<double>(backup.bytes_total));
    rows.push_back({TextOrNull(backup.label[0] ? backup.label : backup.request.label),
                    Cell(BackupPhaseName(backup.phase)),
                    backup.worker_pid ? Cell(std::to_string(backup.worker_pid)) : Cell(),
                    TextOrNull(backup.request.requested_by), TimestampOrNull(backup.started_micros),
                    Cell(std::to_string(SystemClock().WallMicros() - backup.started_micros) + " microseconds"),
                    NumberCell(backup.bytes_total), NumberCell(backup.bytes_done), counted ? Cell(percent) : Cell(),
                    NumberCell(backup.files_total), NumberCell(backup.files_done), NumberCell(backup.bytes_stored),
                    NumberCell(backup.wal_segments_total), NumberCell(backup.wal_segments_stored),
                    TextOrNull(backup.type), TextOrNull(backup.parent), TextOrNull(backup.change_source),
                    TextOrNull(backup.resumes), NumberCell(backup.bytes_resumed)});
  }
  ReturnRows(fcinfo, rows);
  return Status::Ok();
}
