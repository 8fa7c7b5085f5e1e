// archive_library = 'pg_pitr': the callbacks PostgreSQL's archiver process makes.
//
// True is returned only for what is durable in the repository. Nothing is ever raised (rule "the archiver never
// raises"): PostgreSQL 15 and 16 would end the process. The callback waits on its latch and handles interrupts, so a
// dead store stops neither DROP DATABASE nor a shutdown. All in the main thread.
#include "core/config/settings.h"
#include "core/repo/opening/archive_hold.h"
#include "server/archive_counters.h"
#include "server/guc.h"
#include "server/pg.h"
#include "server/push_ahead.h"
#include "server/ready_files.h"
#include "server/server_state.h"
#include "server/shmem.h"
#include "server/wait.h"

extern "C" {
#include "pgstat.h"
#include "postmaster/interrupt.h"
#include "storage/condition_variable.h"
#include "storage/fd.h"
#include "storage/ipc.h"
#include "utils/resowner.h"
#include "utils/timeout.h"
}

namespace pitr::server {
namespace {

// Without a success, once the server is shutting down: longer for a store that worked until now and may only be slow.
constexpr int64_t kShutdownPatienceMs = 20000;
constexpr int64_t kShutdownImpatienceMs = 5000;
constexpr int64_t kInterruptAttemptMs = 1000;  // an attempt this old is left for a changed setting
constexpr int64_t kRepeatWarningMs = 60000;    // the same failure is reported again after this
constexpr int kPushPollMs = 500;

// Everything the archiver knows. Allocated once and never freed: static destructors must not run while threads do
// (rule "no endless wait").
struct Archiver {
  QueuedLog log;
  std::unique_ptr<PushAhead> session;
  std::string warned_about;  // the failure last reported
  int64_t warned_millis = 0;
  std::string unconfigured;  // why archiving was last reported as not configured
  uint64_t failures = 0;     // in a row
  std::string failing_file;
  bool store_works = false;       // the last attempt of this session succeeded
  bool renew_session = false;     // asked for while the session got no answer
  int64_t counters_millis = 0;    // when they were last saved
  int64_t shutdown_deadline = 0;  // steady milliseconds; 0: the server is not shutting down
};
Archiver* archiver = nullptr;

int64_t NowMillis() { return SystemClock().SteadyMillis(); }

void ForgetArchiverPid(int, Datum) {
  SharedState* shared = Shared();
  if (shared == nullptr) return;
  LWLockReleaseAll();
  LWLockAcquire(shared->lock, LW_EXCLUSIVE);
  ArchiverState last;
  if (shared->archiver.pid == MyProcPid) {
    last = shared->archiver;
    shared->archiver.pid = 0;
    shared->archiver.in_flight = 0;
    shared->archiver.current_file[0] = '\0';
    shared->archiver.repository_open = false;
    std::atomic_ref(shared->maps_due).store(0);
  }
  LWLockRelease(shared->lock);
  SaveCounters(last);
}

Archiver& GetArchiver() {
  if (archiver == nullptr) {
    JoinThreadsAtExit();
    PgCall([] { before_shmem_exit(ForgetArchiverPid, (Datum)0); });
    archiver = new Archiver;
    WithShared(LW_EXCLUSIVE, [](SharedState& shared) {
      shared.archiver.pid = MyProcPid;
      shared.archiver.started_micros = SystemClock().WallMicros();
      LoadCounters(shared.archiver);
    });
  }
  return *archiver;
}

// One WARNING, or, for the same failure again within a minute, none. What contradicts the repository is said each time.
void ReportFailure(Archiver& state, const std::string& file, const Status& status) {
  const bool held = IsArchivingHeld(status);
  state.failures++;
  state.store_works = false;
  state.failing_file = file;
  WithShared(LW_EXCLUSIVE, [&](SharedState& shared) {
    shared.archiver.failures = state.failures;
    shared.archiver.retry = {};
    shared.archiver.error_micros = SystemClock().WallMicros();
    CopyText(shared.archiver.error_file, file.c_str());
    shared.archiver.error.Set(status);
    shared.archiver.held = held;
  });
  const std::string failure = (held ? "" : file + "\n") + status.message();
  const int64_t now = NowMillis();
  const bool repeated = failure == state.warned_about && now - state.warned_millis < kRepeatWarningMs;
  if (repeated && (held || status.code() != Code::kConflict)) return;
  state.warned_about = failure;
  state.warned_millis = now;
  PlainError plain;
  plain.Set(status);
  // Which file it is stands in the message already where it is about the file.
  const std::string message = status.message().find(file) != std::string::npos
                                  ? status.message()
                                  : "could not archive WAL file \"" + file + "\": " + status.message();
  const char* text = message.c_str();
  const PlainError* error = &plain;
  PgCall([text, error] {
    ereport(WARNING,
            (errcode(error->sqlstate), errmsg("%s", text), error->detail[0] ? errdetail("%s", error->detail) : 0,
             error->hint[0] ? errhint("%s", error->hint) : 0));
  });
}

void SaveCountersNowAndThen(Archiver& state) {
  const int64_t now = NowMillis();
  if (now - state.counters_millis < kCountersEveryMs) return;
  state.counters_millis = now;
  ArchiverState copy;
  WithShared(LW_SHARED, [&copy](SharedState& shared) { copy = shared.archiver; });
  SaveCounters(copy);
}

void ReportSuccess(Archiver& state, const std::string& file, const WalPushResult& result) {
  WithShared(LW_EXCLUSIVE, [&](SharedState& shared) {
    CopyText(shared.archiver.last_file, file.c_str());
    shared.archiver.last_micros = SystemClock().WallMicros();
    shared.archiver.archived_files++;
    shared.archiver.archived_bytes += result.plain_bytes;
    shared.archiver.stored_bytes += result.stored_bytes;
    shared.archiver.failures = 0;
    shared.archiver.retry = {};
    shared.archiver.held = false;
  });
  SaveCountersNowAndThen(state);
  const char* name = file.c_str();
  if (state.failures > 0) {
    const uint64_t failures = state.failures;
    PgCall([name, failures] {
      ereport(LOG, (errmsg("archiving works again: WAL file \"%s\" was stored after " UINT64_FORMAT " failed attempts",
                           name, failures)));
    });
  } else if (result.already_there) {
    PgCall([name] { ereport(DEBUG1, (errmsg("WAL file \"%s\" was already stored with the same content", name))); });
  }
  state.failures = 0;
  state.store_works = true;
  state.warned_about.clear();
}

Status EnsureSession(Archiver& state) {
  Config config = CurrentConfig();
  if (config.change_map == "auto" && SummarizesWal()) config.change_map = "off";
  const Timeline own = WrittenTimeline();
  // Promoted with archive_mode = always: the archiver goes on.
  if (state.session && state.session->own_timeline() != own) StopOrLeave(std::move(state.session));
  if (state.session && (state.renew_session || !SameSettings(state.session->config(), config))) {
    StopOrLeave(std::move(state.session));
    state.store_works = false;
  }
  state.renew_session = false;
  if (!state.session) {
    PITR_ASSIGN(state.session, PushAhead::Start(config, ServerIdentity(), own, WalPosition(), state.log));
  }
  return Status::Ok();
}

void PublishProgress(Archiver& state) {
  // Not the last one again: a backup may have looked since.
  const auto successors = state.session->TakeSuccessors();
  const RetryState retry = RetryOfThisProcess();
  const PlainError doubt = successors ? PlainWarning(*successors) : PlainError();
  const auto gap = state.session->TakeGap();
  const PlainError missing = gap ? PlainWarning(*gap) : PlainError();
  WithShared(LW_EXCLUSIVE, [&](SharedState& shared) {
    shared.archiver.in_flight = state.session->in_flight();
    shared.archiver.retry = retry;
    shared.archiver.repository_open = state.session->repository_open();
    if (successors) shared.archiver.timeline_doubt = doubt;
    if (gap) shared.archiver.gap = missing;
    shared.archiver.encrypted = state.session->encrypted();
  });
}

// Whether to stop waiting for `file` now although its push is still under way. `why` is empty when that needs no
// report.
bool ShouldLeave(Archiver& state, int64_t started_millis, std::string* why) {
  if (ShutdownRequestPending) return true;
  const int64_t now = NowMillis();
  if (ConfigReloadPending && now - started_millis > kInterruptAttemptMs) {
    // Its threads may sit in a file system that has long been mounted anew: who reloads the settings wants an answer.
    state.renew_session = now - started_millis > state.session->config().request_timeout_ms;
    return true;
  }
  if (now - started_millis < kInterruptAttemptMs && state.shutdown_deadline == 0) return false;
  if (!ServerIsShuttingDown()) {
    state.shutdown_deadline = 0;
    return false;
  }
  if (state.shutdown_deadline == 0)
    state.shutdown_deadline = now + (state.store_works ? kShutdownPatienceMs : kShutdownImpatienceMs);
  if (now < state.shutdown_deadline) return false;
  *why = "the server is shutting down and the repository does not answer in time";
  return true;
}

void SetCurrentFile(const char* file) {
  WithShared(LW_EXCLUSIVE, [file](SharedState& shared) {
    shared.archiver.current_micros = file[0] == '\0' ? 0 : SystemClock().WallMicros();
    CopyText(shared.archiver.current_file, file);
  });
}

enum class Pushed { kYes, kNo, kLeft };

Pushed WaitForPush(Archiver& state, const std::string& file) {
  const int64_t started = NowMillis();
  bool woken = false;
  Pushed pushed = Pushed::kLeft;
  for (;;) {
    state.session->DrainPipe();
    PushAhead::Outcome outcome = state.session->Advance(file);
    state.log.Emit();
    PublishProgress(state);
    if (outcome.state == PushAhead::State::kStored) {
      ReportSuccess(state, file, outcome.result);
      if (state.shutdown_deadline != 0) state.shutdown_deadline = NowMillis() + kShutdownPatienceMs;
      pushed = Pushed::kYes;
      break;
    }
    if (outcome.state == PushAhead::State::kFailed) {
      ReportFailure(state, file, outcome.status);
      if (state.session->repository_lost()) StopOrLeave(std::move(state.session));
      pushed = Pushed::kNo;
      break;
    }
    std::string why;
    if (ShouldLeave(state, started, &why)) {
      if (!why.empty()) {
        ReportFailure(state, file,
                      Status(Code::kUnavailable, why)
                          .WithHint("The file stays in pg_wal and is archived when the server runs again."));
      }
      break;
    }
    bool latch_set = false;
    WaitInterruptibly(state.session->ready_fd(), kPushPollMs, &latch_set);
    woken = woken || latch_set;
  }
  // Somebody called while we waited: PostgreSQL's own loop must hear of it too (a shutdown, a new segment, a reload).
  if (woken) PgCall([] { SetLatch(MyLatch); });
  return pushed;
}

// What pgarch.c does after an ERROR from 17 on; before that nobody else would.
void CleanUpAfterError(const Pending& pending, const char* file) {
  const char* message = pending.error ? pending.error->message : pending.plain.message;
  HOLD_INTERRUPTS();
  ereport(WARNING, (errmsg("could not archive WAL file \"%s\": %s", file, message ? message : "unknown error")));
  disable_all_timeouts(false);
  LWLockReleaseAll();
  ConditionVariableCancelSleep();
  pgstat_report_wait_end();
  ReleaseAuxProcessResources(false);
  AtEOXact_Files(false);
  if (pending.error) FreeErrorData(pending.error);
  RESUME_INTERRUPTS();
}

bool ArchiveFile(const char* file, const char*) {
  Pending pending;
  bool archived = false;
  const bool ok = RunCpp(
      [&]() -> Status {
        Archiver& state = GetArchiver();
        if (ShutdownRequestPending) return Status::Ok();
        Status ready = EnsureSession(state);
        if (!ready.ok()) {
          ReportFailure(state, file, ready);
          return Status::Ok();
        }
        SetCurrentFile(file);
        archived = WaitForPush(state, file) == Pushed::kYes;
        SetCurrentFile("");
        return Status::Ok();
      },
      &pending);
  if (!ok) CleanUpAfterError(pending, file);
  return ok && archived;
}

bool CheckConfigured() {
  Pending pending;
  PlainError problem;
  bool report = false;
  const bool ok = RunCpp(
      [&]() -> Status {
        Archiver& state = GetArchiver();
        Status valid = ValidateConfig(CurrentConfig());
        if (valid.ok()) {
          state.unconfigured.clear();
          return Status::Ok();
        }
        problem.Set(valid);
        report = state.unconfigured != valid.message();
        state.unconfigured = valid.message();
        return Status::Ok();
      },
      &pending);
  if (!ok) problem = pending.plain;
  if (problem.sqlstate == 0) return ok;
  if (report && !PITR_HAS_ARCHIVE_ERRDETAIL) {
    ereport(WARNING, (errmsg("pg_pitr cannot archive: %s", problem.message),
                      problem.detail[0] ? errdetail("%s", problem.detail) : 0,
                      problem.hint[0] ? errhint("%s", problem.hint) : 0));
  }
  PitrArchiveErrdetail(problem.message);
  return false;
}

void ArchiverStart() {
  Pending pending;
  RunCpp(
      []() -> Status {
        GetArchiver();
        return Status::Ok();
      },
      &pending);
}

void ArchiverShutdown() { StopEverything(); }

}  // namespace
}  // namespace pitr::server

PITR_ARCHIVE_MODULE(pitr::server::ArchiverStart, pitr::server::CheckConfigured, pitr::server::ArchiveFile,
                    pitr::server::ArchiverShutdown)
