// pitr_status and pitr_progress: what the archiver and the running backup do, from shared memory, settings and pg_wal;
// no word to the store.
#include <algorithm>

#include "core/base/clock.h"
#include "core/config/settings.h"
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

struct State {
  std::string name;
  // Why, where that is not the archiver's last error.
  std::string problem;
  std::string hint;
};

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

// From conditions that hold now, not from what happened last.
State StateOf(const ArchiverState& archiver, const Config& config) {
  if (XLogArchiveMode == ARCHIVE_MODE_OFF) return {"off", "", ""};
  if (const Status configured = CheckConfigured(config); !configured.ok())
    return {"not configured", configured.message(), configured.hint()};
  const int pid = archiver.pid;
  if (pid == 0 || PgCall([pid] { return AuxiliaryPidGetProc(pid) == NULL; })) return {"not started", "", ""};
  if (archiver.failures > 0) return {archiver.held ? "held" : "failing", "", ""};
  if (archiver.current_file[0] == '\0') return {"idle", "", ""};
  const int64_t waited_ms = (SystemClock().WallMicros() - archiver.current_micros) / 1000;
  if (waited_ms <= config.request_timeout_ms) return {"archiving", "", ""};
  return {"stalled",
          "the repository does not answer: WAL file " + std::string(archiver.current_file) +
              " has been on its way for " + std::to_string(waited_ms / 1000) + " s",
          "Check the network, or the file system that " + config.repository + " is on."};
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
  CheckMayRead(fcinfo, "pitr_status");
  const auto snapshot = TakeSnapshot();
  const ArchiverState& archiver = snapshot->archiver;
  const BackupSlot& backup = snapshot->backup;
  PITR_ASSIGN(const Backlog backlog, MeasureBacklog());
  const auto unstored = MeasureUnstoredWal(backlog);
  const Config config = CurrentConfig();
  const State state = StateOf(archiver, config);
  const bool has_error = archiver.error_micros != 0 && state.problem.empty();
  const int64_t at_risk_micros = unstored && unstored->oldest_commit_micros != 0
                                     ? std::max<int64_t>(0, SystemClock().WallMicros() - unstored->oldest_commit_micros)
                                     : 0;
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
                       NumberCell(archiver.failures),
                       has_error ? Cell(ErrorText(archiver)) : TextOrNull(state.problem),
                       has_error ? TextOrNull(archiver.error.hint) : TextOrNull(state.hint),
                       has_error ? TextOrNull(archiver.error_file) : Cell(),
                       TimestampOrNull(archiver.error_micros),
                       unstored ? NumberCell(unstored->bytes) : Cell(),
                       unstored ? Cell(std::to_string(at_risk_micros) + " microseconds") : Cell(),
                       TextOrNull(config.repository),
                       BoolCell(!config.passphrase_file.empty()),
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
