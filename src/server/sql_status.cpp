// pitr_status and pitr_progress: what the archiver and the running backup do, from shared memory, settings and pg_wal;
// no word to the store.
#include <algorithm>

#include "core/base/clock.h"
#include "core/config/settings.h"
#include "core/survey/archiving_state.h"
#include "server/archive_settings.h"
#include "server/guc.h"
#include "server/ready_files.h"
#include "server/rows.h"
#include "server/shmem.h"
#include "server/unstored_wal.h"

extern "C" {
#include "access/xlog.h"
#include "storage/proc.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
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

// Who may read the view may call its function, which anybody can name: a grant on the view is enough, and one without
// it reads nothing.
void CheckMayRead(FunctionCallInfo fcinfo, const char* view) {
  const Oid function = fcinfo->flinfo->fn_oid;
  PgCall([function, view] {
    const Oid relation = get_relname_relid(view, get_func_namespace(function));
    const AclResult allowed =
        OidIsValid(relation) ? pg_class_aclcheck(relation, GetUserId(), ACL_SELECT) : ACLCHECK_NO_PRIV;
    if (allowed != ACLCHECK_OK) aclcheck_error(allowed, OBJECT_VIEW, view);
  });
}

// Why nothing can be archived, whatever the archiver does.
Status CheckConfigured(const Config& config) {
  const std::string library = XLogArchiveLibrary ? XLogArchiveLibrary : "";
  if (library.find("pg_pitr") == library.npos)
    return Status(Code::kInvalidArgument, "WAL is not archived by pg_pitr: archive_library is \"" + library + "\"")
        .WithHint("Set archive_library = 'pg_pitr' and archive_command = '', and reload the server.");
  if (ArchiveCommandHinders())
    return Status(Code::kInvalidArgument, "both archive_library and archive_command are set, so nothing is archived")
        .WithHint("Set archive_command = '' and reload the server.");
  return ValidateConfig(config);
}

std::string TextOf(const PlainError& error) {
  if (error.sqlstate == 0) return {};
  std::string text = error.message;
  if (error.detail[0]) text += std::string(" (") + error.detail + ")";
  return text;
}

// The end of what is being tried again; 0 when nothing is, or when it has no end.
int64_t RetryUntil(const RetryState& retry) { return retry.failure.sqlstate == 0 ? 0 : retry.gives_up_micros; }

ArchivingConditions ConditionsOf(const ArchiverState& archiver, const Config& config,
                                 const std::optional<UnstoredWal>& unstored) {
  ArchivingConditions now;
  const int pid = archiver.pid;
  now.archive_mode = XLogArchiveMode != ARCHIVE_MODE_OFF;
  now.configured = CheckConfigured(config);
  now.runs = pid != 0 && PgCall([pid] { return AuxiliaryPidGetProc(pid) != NULL; });
  now.failures = archiver.failures;
  now.held = archiver.held;
  if (archiver.current_file[0] != '\0') {
    now.retried = TextOf(archiver.retry.failure);
    now.retried_hint = archiver.retry.failure.hint;
  }
  now.current_file = archiver.current_file;
  now.now_micros = SystemClock().WallMicros();
  now.waited_ms = (now.now_micros - archiver.current_micros) / 1000;
  now.request_timeout_ms = config.request_timeout_ms;
  now.repository = config.repository;
  if (unstored) now.oldest_commit_micros = unstored->oldest_commit_micros;
  return now;
}

std::string ErrorText(const ArchiverState& archiver) {
  const std::string text = TextOf(archiver.error);
  return text.find(archiver.error_file) == text.npos ? std::string(archiver.error_file) + ": " + text : text;
}

std::string WarningText(const PlainError& warning) {
  if (warning.sqlstate == 0) return "";
  return std::string(warning.message) + " " + warning.detail + " " + warning.hint;
}

}  // namespace

PITR_FUNCTION(pitr_get_status) {
  CheckMayRead(fcinfo, "pitr_status");
  const auto snapshot = TakeSnapshot();
  const ArchiverState& archiver = snapshot->archiver;
  const BackupSlot& backup = snapshot->backup;
  PITR_ASSIGN(const Backlog backlog, MeasureBacklog());
  const auto unstored = MeasureUnstoredWal(backlog);
  const Config config = CurrentConfig();
  const ArchivingState state = JudgeArchiving(ConditionsOf(archiver, config, unstored));
  const bool has_error = archiver.error_micros != 0 && state.problem.empty();
  ReturnRows(fcinfo, {{state.name,
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
                       NumberCell(std::atomic_ref(RequireShared()->maps_due).load()),
                       NumberCell(archiver.failures),
                       has_error ? Cell(ErrorText(archiver)) : TextOrNull(state.problem),
                       has_error ? TextOrNull(archiver.error.hint) : TextOrNull(state.hint),
                       has_error ? TextOrNull(archiver.error_file) : Cell(),
                       TimestampOrNull(archiver.error_micros),
                       TimestampOrNull(archiver.current_file[0] ? RetryUntil(archiver.retry) : 0),
                       TextOrNull(WarningText(archiver.timeline_doubt)),
                       TextOrNull(WarningText(archiver.gap)),
                       unstored ? NumberCell(unstored->bytes) : Cell(),
                       unstored ? Cell(std::to_string(state.at_risk_micros) + " microseconds") : Cell(),
                       TextOrNull(config.repository),
                       archiver.repository_open ? BoolCell(archiver.encrypted) : Cell(),
                       backup.Running() ? TextOrNull(backup.label[0] ? backup.label : backup.request.label) : Cell()}});
  return Status::Ok();
}

PITR_FUNCTION(pitr_get_progress) {
  CheckMayRead(fcinfo, "pitr_progress");
  const auto snapshot = TakeSnapshot();
  const BackupSlot& backup = snapshot->backup;
  std::vector<Row> rows;
  if (backup.Running()) {
    const bool counted = backup.bytes_total > 0;
    char percent[32] = "";
    // What runs is not complete, whatever has been read.
    if (counted)
      std::snprintf(
          percent, sizeof percent, "%.1f",
          std::min(99.9, 100.0 * static_cast<double>(backup.bytes_done) / static_cast<double>(backup.bytes_total)));
    const ArchiverState& archiver = snapshot->archiver;
    // A backup that waits for WAL waits for the archiver.
    const bool by_archiver = backup.phase == BackupPhase::kWaitingForWal && backup.retry.failure.sqlstate == 0;
    const RetryState& retry = by_archiver ? archiver.retry : backup.retry;
    const std::string error = by_archiver && retry.failure.sqlstate == 0 && archiver.failures > 0
                                  ? ErrorText(archiver)
                                  : TextOf(retry.failure);
    rows.push_back({TextOrNull(backup.label[0] ? backup.label : backup.request.label),
                    Cell(BackupPhaseName(backup.phase)),
                    backup.worker_pid ? Cell(std::to_string(backup.worker_pid)) : Cell(),
                    TextOrNull(backup.request.requested_by),
                    TimestampOrNull(backup.started_micros),
                    Cell(std::to_string(SystemClock().WallMicros() - backup.started_micros) + " microseconds"),
                    NumberCell(backup.bytes_total),
                    NumberCell(backup.bytes_done),
                    counted ? Cell(percent) : Cell(),
                    NumberCell(backup.files_total),
                    NumberCell(backup.files_done),
                    NumberCell(backup.bytes_stored),
                    NumberCell(backup.wal_segments_total),
                    NumberCell(backup.wal_segments_stored),
                    TextOrNull(backup.type),
                    TextOrNull(backup.parent),
                    TextOrNull(backup.change_source),
                    TextOrNull(backup.resumes),
                    NumberCell(backup.bytes_resumed),
                    TextOrNull(error),
                    TimestampOrNull(RetryUntil(retry))});
  }
  ReturnRows(fcinfo, rows);
  return Status::Ok();
}

}  // namespace pitr::server
