// pitr_backup() and pitr_backup_cancel(): checks, starts the worker, waits for it and passes on what it says.
#include <algorithm>
#include <memory>

#include "core/base/day.h"
#include "core/base/job_limit.h"
#include "core/config/settings.h"
#include "core/repo/layout.h"
#include "core/restore/copy_guard.h"
#include "server/backup_slot.h"
#include "server/backup_turn.h"
#include "server/encoding.h"
#include "server/failure_record.h"
#include "server/guc.h"
#include "server/log_pg.h"
#include "server/ready_files.h"
#include "server/rows.h"
#include "server/wait.h"

extern "C" {
#include "access/htup_details.h"
#include "access/xlog.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "nodes/parsenodes.h"
#include "postmaster/bgworker.h"
#include "storage/ipc.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"
}

namespace pitr::server {
namespace {

constexpr int kWorkerPollMs = 100;
constexpr int64_t kCleanUpPatienceMs = 20000;  // how long a cancelled statement waits for the worker to clean up
constexpr int64_t kFirstNoticeMs = 2000;
constexpr int64_t kNoticeMs = 10000;

// The backup this session waits for; 0: none. For the exit hook.
uint64_t waiting_for = 0;
bool hook_registered = false;

void CallerExit(int, Datum) {
  LWLockReleaseAll();
  WithdrawClaim();
  if (waiting_for != 0) CancelBackup(waiting_for);
}

[[noreturn]] void Refuse(const std::string& message, const std::string& hint) {
  RaiseFromCpp(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, message, "", hint);
}

void CheckType(const std::string& type) {
  if (type == "full" || type == "incr" || type == "diff") return;
  RaiseFromCpp(ERRCODE_INVALID_PARAMETER_VALUE, "unknown backup type \"" + type + "\"", "",
               "Use 'full', 'diff' or 'incr'.");
}

// Everything that can be known without the store. Each refusal says what to set.
Status CheckServer() {
  if (XLogArchiveMode == ARCHIVE_MODE_OFF) {
    PITR_TRY(CheckBackupOfNoCopy(kDataDirectory));
    return Status(Code::kConflict, "WAL archiving is off: archive_mode is off")
        .WithHint("Set archive_mode = on and archive_library = 'pg_pitr' in postgresql.conf and restart the server.");
  }
  const std::string library = XLogArchiveLibrary ? XLogArchiveLibrary : "";
  if (library.find("pg_pitr") == library.npos)
    return Status(Code::kConflict, "WAL is not archived by pg_pitr: archive_library is \"" + library + "\"")
        .WithHint(
            "Set archive_library = 'pg_pitr' (and archive_command = '') in postgresql.conf and reload the server.");
  const PlainError hold = HoldOfArchiving();
  if (hold.sqlstate != 0)
    return Status(Code::kConflict, std::string("no backup while its WAL would wait: ") + hold.message)
        .WithDetail(hold.detail)
        .WithHint(hold.hint);
  return ValidateConfig(CurrentConfig());
}

// A nightly backup that is refused for weeks must be seen where people look for backups.
Status CheckAndRecord(const BackupRequest& request) {
  RequireShared();
  if (PgCall([] { return RecoveryInProgress(); })) Refuse("recovery is in progress", "Take the backup on the primary.");
  Status able = CheckServer();
  if (able.ok()) return able;
  auto slot = std::make_unique<BackupSlot>();
  slot->request = request;
  slot->started_micros = SystemClock().WallMicros();
  PlainError error;
  error.Set(able);
  KeepFailure(FailureOf(*slot, error));
  return able;
}

// Type, label and annotations come first; `fast` and what follows it from `first_option` on.
Result<BackupRequest> RequestFromArguments(FunctionCallInfo fcinfo, int first_option, bool fast_by_default) {
  BackupRequest request;
  const std::string type = TextArgument(fcinfo, 0, "full");
  CheckType(type);
  CopyText(request.type, type.c_str());
  const std::string label = TextArgument(fcinfo, 1);
  if (!label.empty() && !layout::IsValidLabel(label)) {
    return Status(Code::kInvalidArgument, "\"" + label + "\" is not a valid backup label")
        .WithHint("Use 1 to 64 letters, digits, '.', '_' and '-', beginning with a letter or digit.");
  }
  CopyText(request.label, label.c_str());
  const std::string annotations = ArgumentAsText(fcinfo, 2, F_JSONB_OUT);
  PITR_TRY(ParseAnnotations(annotations).status());
  CopyText(request.annotations, annotations.c_str());
  const int fast = first_option, jobs = first_option + 1, page_errors = first_option + 2, verify = first_option + 3,
            resume = first_option + 4;
  request.fast = PG_ARGISNULL(fast) ? fast_by_default : PG_GETARG_BOOL(fast);
  request.jobs = PG_ARGISNULL(jobs) ? 0 : PG_GETARG_INT32(jobs);
  if (!PG_ARGISNULL(jobs) && (request.jobs < 1 || request.jobs > kMaxJobs)) {
    return Status(Code::kInvalidArgument, "jobs must be between 1 and " + std::to_string(kMaxJobs));
  }
  request.allow_page_errors = !PG_ARGISNULL(page_errors) && PG_GETARG_BOOL(page_errors);
  request.verify_changes = !PG_ARGISNULL(verify) && PG_GETARG_BOOL(verify);
  request.resume = PG_ARGISNULL(resume) || PG_GETARG_BOOL(resume);
  char* user = PgCall([] { return GetUserNameFromId(GetUserId(), false); });
  CopyText(request.requested_by, ShowServerText(user).c_str());
  return request;
}

// The postgres database, so that the worker is not in the way of DROP DATABASE of the caller's; else the caller's.
Oid WorkerDatabase() {
  return PgCall([] {
    Oid database = get_database_oid("postgres", true);
    return OidIsValid(database) ? database : MyDatabaseId;
  });
}

BackgroundWorkerHandle* StartWorker(uint64_t generation) {
  BackgroundWorker description{};
  CopyText(description.bgw_name, "pg_pitr backup");
  CopyText(description.bgw_type, "pg_pitr backup");
  CopyText(description.bgw_library_name, "pg_pitr");
  CopyText(description.bgw_function_name, "pitr_backup_worker");
  description.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
  description.bgw_start_time = BgWorkerStart_RecoveryFinished;
  description.bgw_restart_time = BGW_NEVER_RESTART;
  description.bgw_main_arg = UInt64GetDatum(generation);
  description.bgw_notify_pid = MyProcPid;
  const Oid database = WorkerDatabase();
  memcpy(description.bgw_extra, &database, sizeof database);
  BackgroundWorkerHandle* handle = nullptr;
  BackgroundWorker* to_start = &description;
  BackgroundWorkerHandle** handle_out = &handle;
  if (!PgCall([to_start, handle_out] { return RegisterDynamicBackgroundWorker(to_start, handle_out); })) {
    RaiseFromCpp(ERRCODE_INSUFFICIENT_RESOURCES, "could not start the backup worker: no background worker slot is free",
                 "", "Increase max_worker_processes.");
  }
  return handle;
}

// Why the WAL that a backup waits for does not come: what the archiver's last attempt failed with; "" when it did not.
std::string WhyNoWal() {
  PlainError error;
  WithShared(LW_SHARED, [&](SharedState& shared) {
    if (shared.archiver.failures > 0) error = shared.archiver.error;
  });
  return error.sqlstate == 0 ? "" : "Archiving fails: " + SentencesOf(error.message, error.detail, error.hint);
}

void Notice(const BackupSlot& slot, int64_t elapsed_ms) {
  // The label comes with the reservation, for which the store is asked.
  char name[sizeof slot.label + 16];
  std::snprintf(name, sizeof name, "backup%s%s", slot.label[0] != '\0' ? " " : "", slot.label);
  const char* backup = name;
  const char* phase = BackupPhaseName(slot.phase);
  const double done = static_cast<double>(slot.bytes_done) / 1048576.0,
               total = static_cast<double>(slot.bytes_total) / 1048576.0;
  const int percent = slot.bytes_total > 0 ? std::min(99, static_cast<int>(100.0 * done / total)) : 0;
  const int seconds = static_cast<int>(elapsed_ms / 1000);
  switch (slot.phase) {
    case BackupPhase::kCopying:
      PgCall([=] {
        ereport(NOTICE, (errmsg("%s: %d %% (%.0f of %.0f MB), %d s", backup, percent, done, total, seconds)));
      });
      break;
    case BackupPhase::kWaitingForWal:
      ReportText(NOTICE,
                 std::string(backup) + ": " + phase + ", " + std::to_string(slot.wal_segments_stored) + " of " +
                     std::to_string(slot.wal_segments_total) + " segments stored, " + std::to_string(seconds) + " s",
                 WhyNoWal());
      break;
    default:
      PgCall([=] { ereport(NOTICE, (errmsg("%s: %s, %d s", backup, phase, seconds))); });
  }
  // What was given up is not tried again: the line is of a thread that has not looked yet.
  if (slot.retry.failure.sqlstate == 0 || slot.retry.gives_up_micros <= SystemClock().WallMicros()) return;
  const std::string retried = ToServerEncoding(slot.retry.failure.message);
  const char* failure = retried.c_str();
  const int left = static_cast<int>(
      std::clamp<int64_t>((slot.retry.gives_up_micros - SystemClock().WallMicros()) / 1000000, 0, kSecondsPerDay));
  PgCall([=] { ereport(NOTICE, (errmsg("%s: trying again, for %d s more: %s", backup, left, failure))); });
}

// What the choices of type and parent, of interrupted backups, and of the change source have to say, and what is not
// or not well stored: to the waiting session, once each.
class Notes {
 public:
  void Consider(const BackupSlot& slot) {
    if (!doubt_told_ && slot.timeline_doubt.sqlstate != 0) {
      doubt_told_ = true;
      WarnPlain(slot.timeline_doubt);
    }
    Tell(slot.note_is_warning ? WARNING : NOTICE, slot.note, slot.note_detail, choice_told_);
    Tell(NOTICE, slot.resume_note, "", resume_told_);
    Tell(NOTICE, slot.change_note, slot.change_note_detail, change_told_);
    Tell(NOTICE, slot.files_note, slot.files_note_detail, files_told_);
    Tell(WARNING, slot.parent_note, slot.parent_note_detail, parent_told_);
    Tell(WARNING, slot.pages_note, slot.pages_note_detail, pages_told_);
    Tell(WARNING, slot.proof_note, slot.proof_note_detail, proof_told_);
  }

 private:
  static void Tell(int level, const char* note, const char* detail, bool& told) {
    if (told || note[0] == '\0') return;
    told = true;
    ReportText(level, note, detail);
  }
  bool doubt_told_ = false;
  bool choice_told_ = false;
  bool resume_told_ = false;
  bool change_told_ = false;
  bool files_told_ = false;
  bool parent_told_ = false, pages_told_ = false, proof_told_ = false;
};

// Says how far the backup is: after two seconds, then with every tenth of the way or every ten seconds.
class Notices {
 public:
  void Consider(const BackupSlot& slot) {
    const int64_t elapsed = SystemClock().SteadyMillis() - began_;
    const int tenth = slot.bytes_total > 0 ? static_cast<int>(10 * slot.bytes_done / slot.bytes_total) : 0;
    if (elapsed < kFirstNoticeMs ||
        (last_ != 0 && elapsed - last_ < kNoticeMs && tenth == tenth_ && slot.phase == phase_))
      return;
    if (slot.label[0] == '\0' && slot.retry.failure.sqlstate == 0) return;
    last_ = elapsed;
    tenth_ = tenth;
    phase_ = slot.phase;
    Notice(slot, elapsed);
  }

 private:
  const int64_t began_ = SystemClock().SteadyMillis();
  int64_t last_ = 0;
  int tenth_ = -1;
  BackupPhase phase_ = BackupPhase::kNone;
};

bool WorkerIsGone(BackgroundWorkerHandle* handle) {
  return PgCall([handle] {
    pid_t pid;
    return GetBackgroundWorkerPid(handle, &pid) == BGWH_STOPPED;
  });
}

[[noreturn]] void RaiseWorkerError(const PlainError& error, bool joined) {
  RaiseFromCpp(error.sqlstate, (joined ? "the backup that was joined failed: " : "") + std::string(error.message),
               error.detail, error.hint);
}

// Until the worker has reserved the label (wait => false) or has ended; the label. `handle`: null for the worker of a
// backup that was joined.
std::string AwaitWorker(uint64_t generation, BackgroundWorkerHandle* handle, bool until_done) {
  Notices notices;
  Notes notes;
  for (;;) {
    // Before the slot is read: a worker ends its slot before it ends.
    bool gone = handle != nullptr && WorkerIsGone(handle), running = true;
    const auto slot = ReadBackupSlot(generation, running);
    if (slot == nullptr) Refuse("the backup ended, and others have begun since", "See pitr_info() for its outcome.");
    gone = gone || (handle == nullptr && !running);
    notes.Consider(*slot);
    if (slot->phase == BackupPhase::kFailed) RaiseWorkerError(slot->error, handle == nullptr);
    if (slot->phase == BackupPhase::kDone || (!until_done && slot->label[0] != '\0')) return slot->label;
    if (gone) {
      PlainError error;
      error.Set(ERRCODE_INTERNAL_ERROR, "the backup worker ended unexpectedly", "", "See the server log.");
      // Before it has taken the slot the claim is still ours, and GiveUp() withdraws it.
      if (handle != nullptr && slot->worker_pid != 0) {
        EndBackupSlot(generation, BackupPhase::kFailed, &error);
        KeepFailure(FailureOf(*slot, error));
      }
      RaiseWorkerError(error, handle == nullptr);
    }
    if (until_done) notices.Consider(*slot);
    WaitInterruptibly(-1, kWorkerPollMs);
  }
}

// After a cancel: the statement ends when nothing is left of its backup, or when that takes too long.
void AwaitCleanUp(uint64_t generation) {
  const int64_t end = SystemClock().SteadyMillis() + kCleanUpPatienceMs;
  for (;;) {
    const auto slot = ReadBackupSlot();
    if (slot->generation != generation || !slot->Running() || SystemClock().SteadyMillis() > end) return;
    AbsorbBarriers();
    PgCall([] {
      (void)WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, kWorkerPollMs, PitrWaitEvent());
      ResetLatch(MyLatch);
    });
  }
}

// The statement ends, by a cancel or an error of its own, and so does its backup.
void GiveUp(uint64_t generation, const PlainError* why) {
  const auto withdrawn = std::make_unique<BackupSlot>();
  // With nobody else to tell of it.
  if (WithdrawClaim(why, withdrawn.get()) && why != nullptr) KeepFailure(FailureOf(*withdrawn, *why));
  if (CancelBackup(generation)) AwaitCleanUp(generation);
  waiting_for = 0;
}

Result<std::string> RunBackup(const BackupRequest& request, IfRunning if_running, bool until_done) {
  if (!hook_registered) {
    PgCall([] { before_shmem_exit(CallerExit, (Datum)0); });
    hook_registered = true;
  }
  PITR_ASSIGN(const BackupTurn turn, TakeBackupTurn(request, if_running, CheckAndRecord));
  const uint64_t generation = turn.generation;
  if (turn.joined) return AwaitWorker(generation, nullptr, until_done);
  try {
    BackgroundWorkerHandle* handle = StartWorker(generation);
    waiting_for = generation;
    // Looking up names took one, which would hold back vacuum while we wait.
    PgCall([] { InvalidateCatalogSnapshot(); });
    std::string label = AwaitWorker(generation, handle, until_done);
    waiting_for = 0;
    return label;
  } catch (const PgError& e) {
    PlainError error;
    error.Set(*e.error());
    GiveUp(generation, &error);
    throw;
  } catch (...) {
    GiveUp(generation, nullptr);
    throw;
  }
}

}  // namespace

PITR_FUNCTION(pitr_backup) {
  PITR_ASSIGN(const BackupRequest request, RequestFromArguments(fcinfo, 4, /*fast_by_default=*/true));
  const bool wait = PG_ARGISNULL(3) || PG_GETARG_BOOL(3);
  PITR_ASSIGN(const IfRunning if_running, ParseIfRunning(TextArgument(fcinfo, 9, "fail")));
  PITR_ASSIGN(const std::string label, RunBackup(request, if_running, wait));
  const char* text = label.c_str();
  *result = PgCall([text] { return CStringGetTextDatum(text); });
  return Status::Ok();
}

// A procedure, because it can let go of its snapshot: a statement that waits for hours with one keeps vacuum from
// removing anything. It is what schedulers call, so that they see a failure.
PITR_FUNCTION(pitr_run_backup) {
  const bool atomic = fcinfo->context == nullptr || !IsA(fcinfo->context, CallContext) ||
                      reinterpret_cast<CallContext*>(fcinfo->context)->atomic;
  if (atomic)
    return Status(Code::kConflict, "pitr_run_backup() cannot be called in a transaction block")
        .WithDetail("It ends the transaction that it is called in, so that waiting holds back no vacuum.")
        .WithHint("CALL it as a statement of its own, or use SELECT pitr_backup().");
  PITR_ASSIGN(const BackupRequest request, RequestFromArguments(fcinfo, 3, /*fast_by_default=*/false));
  PITR_ASSIGN(const IfRunning if_running, ParseIfRunning(TextArgument(fcinfo, 8, "wait")));
  PgCall([] {
    SPI_connect_ext(SPI_OPT_NONATOMIC);
    SPI_commit();
    SPI_finish();
  });
  PITR_ASSIGN(const std::string label, RunBackup(request, if_running, true));
  const char* text = label.c_str();
  *result = PgCall([fcinfo, text] {
    TupleDesc row = NULL;
    (void)get_call_result_type(fcinfo, NULL, &row);
    Datum values[1] = {CStringGetTextDatum(text)};
    bool nulls[1] = {false};
    return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(row), values, nulls));
  });
  return Status::Ok();
}

PITR_FUNCTION(pitr_backup_cancel) {
  RequireShared();
  *result = BoolGetDatum(CancelBackup(0));
  return Status::Ok();
}

}  // namespace pitr::server
