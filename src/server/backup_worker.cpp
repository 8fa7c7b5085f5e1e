// The background worker that takes one backup: reserve, enter backup mode, copy in threads, leave backup mode, wait for
// WAL, finish.
//
// No transaction and no snapshot is held while copying. Whatever ends the worker early, short of SIGKILL, leaves
// nothing in the repository but what the next backup can take over: an error is cleaned up after unwinding, FATAL
// (terminate, shutdown) in an exit hook, both bounded in time. Main thread; core's threads do the copying.
#include "core/backup/backup_session.h"
#include "core/base/process_name.h"
#include "core/expire/expire_settings.h"
#include "core/repo/archive/wal_catalog.h"
#include "core/repo/archive/wal_sealer.h"
#include "core/repo/backups/backup_remarks.h"
#include "core/repo/opening/known_repository.h"
#include "core/repo/timelines/left_by.h"
#include "core/restore/plan_proof.h"
#include "core/verify/known_damage.h"
#include "server/backup_mode.h"
#include "server/backup_slot.h"
#include "server/failure_record.h"
#include "server/guc.h"
#include "server/old_timeline.h"
#include "server/ready_files.h"
#include "server/server_state.h"
#include "server/wait.h"
#include "server/wal_wait.h"

extern "C" {
#include "access/xlog.h"
#include "libpq/pqsignal.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/pmsignal.h"
#include "tcop/tcopprot.h"
#include "utils/backend_status.h"
#include "utils/guc.h"
#include "utils/ps_status.h"
}

namespace pitr::server {
namespace {

constexpr int kPublishMs = 250;        // how often pitr_progress is told
constexpr int64_t kAbandonMs = 10000;  // how long cleaning up may delay the end of the process

// On the heap and never freed: the exit hook needs it whatever has been unwound.
struct Worker {
  uint64_t generation = 0;
  BackupRequest request;
  Config config;
  std::shared_ptr<QueuedLog> log = std::make_shared<QueuedLog>();
  std::unique_ptr<Repository> repository;
  std::unique_ptr<BackupSession> session;  // reserved and neither finished nor abandoned
  std::atomic<bool> finished{false};
  Progress progress;
  BackupStart start;
  BackupStop stop;
  BackupManifest manifest;  // once finished
  BackupFailure failure;
  std::optional<SuccessorDoubt> doubt;  // whether this server should still run; nullopt: not known
  // Of reading; a reload changes it.
  std::shared_ptr<RateLimit> rate = std::make_shared<RateLimit>(0);
};
Worker* worker = nullptr;

void EnterPhase(BackupPhase phase) {
  const bool cancelled = !UpdateBackupSlot(worker->generation, [phase](BackupSlot& slot) { slot.phase = phase; });
  if (cancelled) RaiseFromCpp(ERRCODE_INTERNAL_ERROR, "the backup slot was taken by another backup");
  const std::string label = worker->session ? worker->session->label() : worker->request.label;
  const std::string activity = "pg_pitr: backup " + label + ": " + BackupPhaseName(phase);
  const char* text = activity.c_str();
  PgCall([text] {
    pgstat_report_activity(STATE_RUNNING, text);
    set_ps_display(text + sizeof "pg_pitr: " - 1);
  });
}

void PublishProgress() {
  const Progress& progress = worker->progress;
  const RetryState retry = RetryOfThisProcess();
  UpdateBackupSlot(worker->generation, [&](BackupSlot& slot) {
    slot.retry = retry;
    slot.bytes_total = progress.bytes_total.load();
    slot.bytes_done = progress.bytes_done.load();
    slot.files_total = progress.files_total.load();
    slot.files_done = progress.files_done.load();
    slot.bytes_stored = progress.bytes_stored.load();
    slot.bytes_resumed = progress.bytes_resumed.load();
    const auto kind = worker->session ? worker->session->change_kind() : std::nullopt;
    if (kind) CopyText(slot.change_source, ChangeKindName(*kind).data());
  });
}

// Alone: while the session is being made nobody else may look at it.
void PublishRetry() {
  const RetryState retry = RetryOfThisProcess();
  UpdateBackupSlot(worker->generation, [&](BackupSlot& slot) { slot.retry = retry; });
}

uint64_t MaxRate(const Config& config) { return static_cast<uint64_t>(config.backup_max_rate_kb) * 1024; }

// Of the settings, a running backup takes a new rate; the others hold for the next one.
void TakeReload() {
  if (!ConfigReloadPending) return;
  ConfigReloadPending = false;
  PgCall([] { ProcessConfigFile(PGC_SIGHUP); });
  worker->rate->SetRate(MaxRate(CurrentConfig()));
}

WaitTick Publishing() {
  return {[] {
            TakeReload();
            PublishProgress();
            return Status::Ok();
          },
          kPublishMs};
}

// Runs `body` in a thread with the worker's log and progress. What it needs is in the worker.
template <class Fn>
Status InThread(Fn) {
  return RunInterruptibly(
      worker->log, Nothing(), [](Nothing&, Log&, const OpContext& ctx) -> Status { return Fn()(ctx); }, Publishing());
}

// What is taken and why: for pitr_progress, the waiting caller and the log.
void PublishChoice() {
  const std::string label = worker->session->label();
  const ParentChoice& choice = worker->session->choice();
  const ResumeChoice& resumed = worker->session->resumed();
  const std::string type(BackupTypeName(choice.type));
  const std::string parent = choice.parent ? choice.parent->manifest.label : "";
  UpdateBackupSlot(worker->generation, [&](BackupSlot& slot) {
    CopyText(slot.label, label.c_str());
    CopyText(slot.type, type.c_str());
    CopyText(slot.parent, parent.c_str());
    CopyText(slot.note, choice.note.c_str());
    CopyText(slot.note_detail, choice.note_detail.c_str());
    slot.note_is_warning = choice.warning;
    CopyText(slot.resume_note, resumed.note.c_str());
    CopyText(slot.resumes, resumed.labels.c_str());
  });
  if (!resumed.note.empty()) ReportText(LOG, resumed.note);
  if (!choice.note.empty()) ReportText(choice.warning ? WARNING : LOG, choice.note, choice.note_detail);
}

// Looked for anew: the archiver of a server that is idle does so seldom.
void LookForSuccessors(Timeline own, Log& log, const OpContext& ctx) {
  SuccessorWatch watch(own);
  const std::string news = watch.Look(*worker->repository, ctx);
  worker->doubt = watch.Take();
  if (!worker->doubt && !news.empty()) log.Warning(news);
}

// A backup of an old primary is none of the new one's rows. It is taken all the same: which of the two is the old one
// is for the operator to say.
void PublishDoubt() {
  if (!worker->doubt) return;
  const PlainError doubt = PlainWarning(*worker->doubt);
  WithShared(LW_EXCLUSIVE, [&](SharedState& shared) { shared.archiver.timeline_doubt = doubt; });
  if (doubt.sqlstate == 0) return;
  UpdateBackupSlot(worker->generation, [&](BackupSlot& slot) { slot.timeline_doubt = doubt; });
  WarnPlain(doubt);
}

Status Reserve() {
  BackupOptions options;
  options.label = worker->request.label;
  const std::string type = worker->request.type;
  options.type = type == "incr" ? BackupType::kIncr : type == "diff" ? BackupType::kDiff : BackupType::kFull;
  options.timeline = {PgCall([] { return GetWALInsertionTimeLine(); })};
  options.data_directory = DataDir;
  options.max_chain_length = static_cast<uint32_t>(worker->config.max_chain_length);
  options.change_source = worker->config.change_source;
  options.summarizes_wal = SummarizesWal();
  options.verify_changes = worker->request.verify_changes;
  PITR_ASSIGN(options.annotations, ParseAnnotations(worker->request.annotations));
  options.jobs = worker->request.jobs > 0 ? worker->request.jobs : worker->config.backup_jobs;
  options.rate = worker->rate;
  options.allow_page_errors = worker->request.allow_page_errors;
  options.resume = worker->request.resume;
  options.started_by = ProcessName();
  struct Asked {
    ClusterIdentity cluster;
    BackupOptions options;
  };
  const auto reserve = [](Asked& asked, Log& log, const OpContext& ctx) -> Status {
    PITR_ASSIGN(worker->repository, OpenClusterRepository(worker->config, asked.cluster, kDataDirectory, log, ctx));
    if (Status moved = MoveBackupFailures(kDataDirectory, *worker->repository, ctx); !moved.ok())
      log.Warning("records of failed backups stay in the data directory: " + moved.ToString());
    if (asked.options.type != BackupType::kFull) asked.options.damage_of = KnownDamage(*worker->repository, ctx);
    // A backup brings what its own restore needs: the histories of its timeline, should the repository lack them.
    KeepOldTimelines(worker->repository.get(), asked.cluster, asked.options.timeline, log, ctx);
    LookForSuccessors(asked.options.timeline, log, ctx);
    PITR_ASSIGN(worker->session, BackupSession::Begin(*worker->repository, asked.options, ctx));
    return Status::Ok();
  };
  const WaitTick publishing{[] {
                              PublishRetry();
                              return Status::Ok();
                            },
                            kPublishMs};
  PITR_TRY(RunInterruptibly(worker->log, Asked{ServerIdentity(), std::move(options)}, reserve, publishing));
  PublishRetry();
  PublishDoubt();
  PublishChoice();
  return Status::Ok();
}

// A backup that had to find changes in a dearer way than it was to is none the worse for it, but somebody should know.
void PublishChangeOrigin() {
  const ChangeOrigin* origin = worker->session->change_origin();
  if (origin == nullptr || !origin->fell_back) return;
  const std::string note = "changed blocks are found by " + std::string(ChangeKindName(origin->kind));
  UpdateBackupSlot(worker->generation, [&](BackupSlot& slot) {
    CopyText(slot.change_note, note.c_str());
    CopyText(slot.change_note_detail, origin->why.c_str());
  });
}

// Told to the waiting caller, and to the log.
void PublishNote(char (BackupSlot::*note)[kNoteBytes], char (BackupSlot::*note_detail)[kNoteBytes], int level,
                 const std::string& message, const std::string& detail) {
  UpdateBackupSlot(worker->generation, [&](BackupSlot& slot) {
    CopyText(slot.*note, message.c_str());
    CopyText(slot.*note_detail, detail.c_str());
  });
  ReportText(level, message, detail);
}

void PublishLeftOut() {
  const BackupManifest remarks = worker->session->remarks();
  if (remarks.skipped_count == 0) return;
  PublishNote(&BackupSlot::files_note, &BackupSlot::files_note_detail, LOG,
              "not everything in the data directory is in backup \"" + worker->session->label() + "\"",
              "Left out: " + DescribeSkipped(remarks) + ".");
}

void PublishParentDamage() {
  const Status damage = worker->session->parent_damage();
  if (damage.ok()) return;
  PublishNote(&BackupSlot::parent_note, &BackupSlot::parent_note_detail, WARNING, damage.message(),
              damage.detail() + " " + damage.hint());
}

void PublishPageErrors(const BackupManifest& backup) {
  if (backup.page_errors.empty()) return;
  PublishNote(&BackupSlot::pages_note, &BackupSlot::pages_note_detail, WARNING,
              "backup \"" + backup.label + "\" holds damaged pages: " + DescribePageErrors(backup),
              "It does not count in retention and so pushes out no undamaged one, and increments are not built on it "
              "unless allow_page_errors is given. Restore an undamaged backup to mend the pages; its WAL does that.");
}

// So that the backup is not called good later on.
void RecordProof(const Status& proof) {
  PlainError error;
  error.Set(proof);
  worker->failure = FailureOf(*ReadBackupSlot(), error);
  const Status stored = RunInterruptibly(
      worker->log, worker->failure,
      [](BackupFailure& failure, Log&, const OpContext& ctx) {
        return StoreBackupFailure(*worker->repository, failure, ctx);
      },
      Publishing());
  if (!stored.ok()) KeepFailure(worker->failure);
}

// The backup exists, and whatever happens here does not take that back. But one that could not be restored now pushes
// out no other.
bool ProveRestorable(const std::string& label) {
  struct Asked {
    std::string label;
    Timeline own;
  };
  const Status proof = RunInterruptibly(
      worker->log, Asked{label, {PgCall([] { return GetWALInsertionTimeLine(); })}},
      [](Asked& asked, Log&, const OpContext& ctx) {
        return ProveBackup(*worker->repository, asked.label, asked.own, ctx);
      },
      Publishing());
  if (proof.ok()) return true;
  PublishNote(&BackupSlot::proof_note, &BackupSlot::proof_note_detail, WARNING,
              SaysNotRestorable(proof)
                  ? "backup \"" + label + "\" is complete, but could not be restored now: no older backup is expired"
                  : "backup \"" + label +
                        "\" is complete, but whether it can be restored could not be found out: no older backup is "
                        "expired",
              SentencesOf(proof.message(), proof.detail(), proof.hint()));
  if (SaysNotRestorable(proof)) RecordProof(proof);
  return false;
}

// A backup is what a gap needs. What cannot be found out stays as it was said.
void LookForGap() {
  const auto gap = ComputeInterruptibly<ArchiveGap>(
      worker->log, Timeline{PgCall([] { return GetWALInsertionTimeLine(); })},
      [](Timeline& own, Log&, const OpContext& ctx) { return FindArchiveGap(*worker->repository, own, ctx); },
      Publishing());
  if (!gap.ok()) return;
  const PlainError missing = PlainWarning(gap.value());
  WithShared(LW_EXCLUSIVE, [&](SharedState& shared) { shared.archiver.gap = missing; });
}

// The backup exists: whatever happens here does not take that back.
// False: there was nothing to do.
bool ExpireOldBackups() {
  if (!worker->config.expire_after_backup) return false;
  auto request = ExpireRequestOf(worker->config);
  if (request.ok() && request.value().policy.empty()) return false;
  EnterPhase(BackupPhase::kExpiring);
  Status status = request.status();
  if (status.ok()) {
    request.value().by = ProcessName();
    auto report = ComputeInterruptibly<ExpireReport>(
        worker->log, std::move(request).value(),
        [](ExpireRequest& asked, Log&, const OpContext& ctx) -> Result<ExpireReport> {
          PITR_ASSIGN(asked.damage_of, FindKnownDamage(*worker->repository, DamageOf::kAnything, ctx));
          return Expire(*worker->repository, asked, ctx);
        },
        Publishing());
    status = report.ok() ? ProblemsOf(report.value()) : report.status();
  }
  if (!status.ok())
    ReportText(WARNING, "the backup is complete, but expiring older ones failed: " + status.message(), status.detail(),
               status.hint());
  return true;
}

// As an expiry does. The next backup does what this one cannot.
void SealWal() {
  const Status sealed = RunInterruptibly(
      worker->log, 0,
      [](int&, Log&, const OpContext& ctx) -> Status {
        PITR_ASSIGN(const WalCatalog wal, WalCatalog::Load(*worker->repository, ctx));
        return SealWholeGroups(*worker->repository, wal, {}, ctx);
      },
      Publishing());
  if (!sealed.ok()) ReportText(LOG, "old WAL was not sealed: " + sealed.message(), sealed.detail(), sealed.hint());
}

Status TakeBackup() {
  EnterPhase(BackupPhase::kStarting);
  PITR_TRY(Reserve());
  EnterPhase(BackupPhase::kCheckpoint);
  PITR_ASSIGN(worker->start, EnterBackupMode("pg_pitr " + worker->session->label(), worker->request.fast));
  EnterPhase(BackupPhase::kCopying);
  PITR_TRY(
      InThread([](const OpContext& ctx) { return worker->session->CopyFiles(worker->start, worker->progress, ctx); }));
  PublishProgress();
  PublishChangeOrigin();
  PublishLeftOut();
  PublishParentDamage();
  EnterPhase(BackupPhase::kStopping);
  PITR_ASSIGN(worker->stop, LeaveBackupMode());
  EnterPhase(BackupPhase::kWaitingForWal);
  const uint32_t segment_size = worker->repository->segment_size();
  const WalNeed need{worker->stop.stop_timeline, SegmentOf(worker->start.start_lsn, segment_size),
                     SegmentBefore(worker->stop.stop_lsn, segment_size)};
  PITR_TRY(
      WaitForWal(*worker->repository, need, worker->config.backup_wal_timeout_ms, worker->log, [&](uint64_t stored) {
        UpdateBackupSlot(worker->generation, [&](BackupSlot& slot) {
          slot.wal_segments_total = need.count();
          slot.wal_segments_stored = stored;
        });
      }));
  EnterPhase(BackupPhase::kFinishing);
  PITR_TRY(InThread([](const OpContext& ctx) -> Status {
    PITR_ASSIGN(worker->manifest, worker->session->Finish(worker->stop, ctx));
    worker->finished = true;
    return Status::Ok();
  }));
  PublishPageErrors(worker->manifest);
  const bool restorable = ProveRestorable(worker->manifest.label);
  LookForGap();
  if (!restorable || !ExpireOldBackups()) SealWal();
  return Status::Ok();
}

// Runs `body` in a thread, because curl runs in threads only; not interruptible, but bounded. What it needs is in the
// worker.
Status RunBounded(Status (*body)(const OpContext&)) {
  auto job =
      Job::Start([body](const CancelToken& cancel) { return body(OpContext::WithTimeout(kAbandonMs, &cancel)); });
  if (!job.ok()) return std::move(job).status();
  auto running = std::make_unique<RunningJob>(std::move(job).value());
  if (AwaitEnd(*running, kAbandonMs)) return running->job().Join();
  StopOrLeave(std::move(running));
  return {Code::kUnavailable, "the repository does not answer"};
}

// Removes what the session stored.
void AbandonSession() noexcept {
  // A thread that was left behind uses it.
  if (!worker->session || worker->finished || !PostmasterIsAlive() || !EverythingEnded()) return;
  try {
    const Status status = RunBounded([](const OpContext& ctx) { return worker->session->Abandon(ctx); });
    if (!EverythingEnded()) return;
    const std::string label = worker->session->label();
    const uint64_t kept = worker->session->recorded_bytes();
    worker->session.reset();
    if (const char* name = label.c_str(); kept > 0) {
      PgCall([=] {
        ereport(LOG, (errmsg("of backup \"%s\", which was given up, " UINT64_FORMAT
                             " bytes stay in the repository for the next full backup to resume",
                             name, kept)));
      });
    }
    if (!status.ok()) {
      ReportText(LOG, "pg_pitr could not remove everything of a backup that was given up: " + status.message(),
                 "What is left is not visible as a backup.", status.hint());
    }
  } catch (...) { worker->session.release(); }
}

// The record of the failure, in the repository when that can be reached.
void RecordFailure(const BackupSlot& slot, const PlainError& error, bool in_repository) noexcept {
  try {
    worker->failure = FailureOf(slot, error);
    if (in_repository && worker->repository && EverythingEnded()) {
      const Status stored = RunBounded(
          [](const OpContext& ctx) { return StoreBackupFailure(*worker->repository, worker->failure, ctx); });
      if (stored.ok()) return;
    }
    KeepFailure(worker->failure);
  } catch (...) { /* there is the log */
  }
}

void WorkerExit(int, Datum) {
  if (worker == nullptr) return;
  LWLockReleaseAll();
  StopEverything();
  PlainError error;
  if (!worker->finished) {
    error.Set(ERRCODE_ADMIN_SHUTDOWN, "the backup worker was terminated", "No backup was made.");
    SharedState* shared = Shared();
    LWLockAcquire(shared->lock, LW_EXCLUSIVE);
    static BackupSlot failed;  // large, and exit hooks should need no memory
    failed = shared->backup;
    if (shared->backup.generation == worker->generation && !shared->backup.Ended())
      shared->backup.phase = BackupPhase::kAbandoning;
    LWLockRelease(shared->lock);
    // Nothing is asked of the store that can as well be done by the next backup.
    if (failed.generation == worker->generation && !failed.Ended()) RecordFailure(failed, error, false);
    AbandonSession();
  }
  EndBackupSlot(worker->generation, worker->finished ? BackupPhase::kDone : BackupPhase::kFailed, &error);
}

void ReportEnd(const Pending& pending) {
  PlainError error = pending.plain;
  if (pending.error) error.Set(*pending.error);
  if (pending.ok() || worker->finished) {
    const auto slot = ReadBackupSlot();
    const char* name = slot->label;
    const uint64_t bytes = slot->bytes_done, stored = slot->bytes_stored, resumed = slot->bytes_resumed;
    PgCall([=] {
      ereport(LOG, (errmsg("backup \"%s\" is complete: " UINT64_FORMAT " bytes read, " UINT64_FORMAT " bytes stored",
                           name, bytes, stored),
                    resumed > 0 ? errdetail(UINT64_FORMAT " bytes were stored already by interrupted backups.", resumed)
                                : 0));
    });
    EndBackupSlot(worker->generation, BackupPhase::kDone, nullptr);
    return;
  }
  const auto failed = ReadBackupSlot();
  UpdateBackupSlot(worker->generation, [](BackupSlot& slot) { slot.phase = BackupPhase::kAbandoning; });
  AbandonSession();
  RecordFailure(*failed, error, true);
  ReportText(LOG, std::string("backup failed: ") + error.message, error.detail, error.hint, error.sqlstate);
  EndBackupSlot(worker->generation, BackupPhase::kFailed, &error);
}

Status WorkerMain(uint64_t generation) {
  worker = new Worker;
  worker->generation = generation;
  // First the hook, then what it is to give back.
  PgCall([] { before_shmem_exit(WorkerExit, (Datum)0); });
  JoinThreadsAtExit();
  if (!TakeBackupSlot(generation, worker->request)) {
    worker = nullptr;
    return Status::Ok();
  }
  // A transaction that waits for a spread checkpoint may be long; the setting exists from 17 on.
  PgCall([] {
    if (GetConfigOption("transaction_timeout", true, false))
      SetConfigOption("transaction_timeout", "0", PGC_USERSET, PGC_S_OVERRIDE);
  });
  worker->config = CurrentConfig();
  worker->rate->SetRate(MaxRate(worker->config));
  Pending pending;
  RunCpp(TakeBackup, &pending);
  // From here on a late cancel must not end the process before the caller has its answer.
  pqsignal(SIGINT, PitrIgnoreSignal);
  QueryCancelPending = false;
  try {
    ReportEnd(pending);
  } catch (const PgError&) {
    EndBackupSlot(generation, worker->finished ? BackupPhase::kDone : BackupPhase::kFailed, &pending.plain);
    throw;
  }
  return Status::Ok();
}

}  // namespace
}  // namespace pitr::server

extern "C" {
PGDLLEXPORT void pitr_backup_worker(Datum argument);

void pitr_backup_worker(Datum argument) {
  pqsignal(SIGHUP, SignalHandlerForConfigReload);
  pqsignal(SIGTERM, die);
  BackgroundWorkerUnblockSignals();
  Oid database;
  memcpy(&database, MyBgworkerEntry->bgw_extra, sizeof database);
  // Nothing of the database is wanted but that it is there.
  BackgroundWorkerInitializeConnectionByOid(database, InvalidOid, BGWORKER_BYPASS_ALLOWCONN);
  MemoryContextSwitchTo(TopMemoryContext);
  pitr::server::Pending pending;
  if (!pitr::server::RunCpp([argument] { return pitr::server::WorkerMain(DatumGetUInt64(argument)); }, &pending))
    pitr::server::Raise(&pending);
}
}
