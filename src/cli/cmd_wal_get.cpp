// pg_pitr wal-get: PostgreSQL's restore_command. Hands out one file of the archive, verified, and says honestly why
// when it cannot.
//
// A segment that was fetched ahead is only renamed: no settings are read and no library is set up, because the server
// waits for every segment; mostly pg_pitr_wal_get has done that already. Otherwise the file is fetched here, while a
// process of its own begins to fetch those that follow.
#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>

#include "cli/detach.h"
#include "cli/exit_code.h"
#include "cli/leavable_call.h"
#include "cli/print.h"
#include "cli/session.h"
#include "cli/settings_path.h"
#include "cli/signals.h"
#include "core/pg/wal_name.h"
#include "core/repo/wal/wal_fetch.h"
#include "core/restore/directory_server.h"
#include "core/restore/own_number.h"
#include "core/restore/segment_places.h"
#include "core/restore/wal_prefetch.h"
#include "core/restore/wal_spool.h"

namespace pitr::cli {
namespace {

// A segment that is being fetched ahead is waited for rather than fetched twice.
constexpr int kWaitMillis = 30000;
constexpr uint32_t kAnySegmentSize = 1U << 20;
constexpr std::string_view kHistoryOfFirst = "00000001.history";
constexpr int kWaitStepMillis = 2;
// A standby asks again every few seconds, and has other sources; each call of the command delays its promotion.
constexpr int64_t kStandbyMillis = 5000;
constexpr int64_t kStandbyOutageMillis = 1000;  // when the attempt before failed, or it is to be promoted
constexpr int64_t kPromotionMillis = 500;       // from when a promotion is asked for
constexpr int64_t kLateMillis = 300;            // after a deadline

struct GetOptions {
  std::string name;
  std::string path;
  std::string partial;  // the segment of which a beginning will do
  bool no_prefetch = false;
};

// Only the file may be "not there"; a repository that is not is a mistake in the settings.
Result<std::unique_ptr<Repository>> OpenArchive(const std::string& config_path, Log& log, const OpContext& ctx) {
  auto repository = OpenRepository(config_path, log, ctx);
  if (repository.code() != Code::kNotFound) return repository;
  const Status status = repository.status();
  return Status(Code::kInvalidArgument, status.message()).WithDetail(status.detail()).WithHint(status.hint());
}

void StartPrefetcher(const WalSpool& spool) {
  RunDetached([&spool] {
    OpContext ctx;
    ctx.cancel = &CatchSignals();
    // The spool of this recovery, whatever is in its place when the repository has been reached.
    const auto held = HeldSpool::Take(spool);
    if (!held.ok()) return;
    auto repository = OpenArchive(spool.config_path(), NullLog(), ctx);
    if (!repository.ok()) return;
    PrefetchLimits limits;
    limits.jobs = repository.value()->config().restore_jobs;
    (void)RunPrefetcher(*repository.value(), held.value(), limits, ctx);
  });
}

// Whether the segment came from the spool.
bool TakeAhead(const WalSpool& spool, const GetOptions& options, bool outage, int64_t wait_millis) {
  const bool taken = spool.Take(options.name, options.path);
  spool.Request(options.name);
  if (!outage && !spool.HasPrefetcher()) StartPrefetcher(spool);
  if (taken) return true;
  for (int64_t waited = 0; waited < wait_millis && spool.IsBeingFetched(options.name); waited += kWaitStepMillis)
    usleep(kWaitStepMillis * 1000);
  return spool.Take(options.name, options.path);
}

Status Fetch(const std::string& config_path, const GetOptions& options, Log& log, const OpContext& ctx) {
  PITR_ASSIGN(const auto repository, OpenArchive(config_path, log, ctx));
  Status status = FetchWalFile(*repository, options.name, options.path, ctx);
  if (status.code() == Code::kNotFound && options.partial == options.name)
    status = FetchWalFile(*repository, options.name + ".partial", options.path, ctx);
  return status;
}

// Fetch(), in as many milliseconds at most, and until `look` says otherwise or a signal comes, even where the store is
// a directory on a dead mount.
Status FetchWithin(const std::string& config_path, const GetOptions& options, int64_t millis, Session& session,
                   const std::function<Status()>& look) {
  const Clock& clock = *session.ctx().clock;
  const int64_t deadline = clock.SteadyMillis() + millis;
  return CallWhile(
      [config_path, options, deadline](const CancelToken& cancel) {
        OpContext ctx;
        ctx.cancel = &cancel;
        ctx.deadline_millis = deadline;
        return Fetch(config_path, options, NullLog(), ctx);
      },
      [&]() -> Status {
        if (session.ctx().cancelled()) return {Code::kCancelled, "stopped by a signal"};
        // Who keeps to the deadline has an answer of its own by then.
        if (clock.SteadyMillis() > deadline + kLateMillis)
          return {Code::kUnavailable, "the archive did not answer within " + std::to_string(millis / 1000) + " s"};
        return look();
      });
}

// What a standby is told of a failure: that the file is not there now, which makes it try its other sources and ask
// again. The server cannot be told to wait: every other answer ends it.
Status GoOnWithout(const WalSpool& spool, Status status) {
  if (status.ok() || status.code() == Code::kNotFound) {
    spool.ForgetOutage();
    return status;
  }
  const bool say = spool.NoteOutage() || IsPromotionRequested(spool.data_directory());
  if (status.code() == Code::kCancelled)
    status = Status(Code::kUnavailable, "the archive did not answer before the promotion that was asked for");
  if (!say) return {Code::kNotFound, status.message()};
  PrintError(status);
  PrintToStderr(
      "pg_pitr: warning: this standby goes on without the archive and asks it again every few seconds\n"
      "DETAIL:  If it is promoted before the archive answers, WAL that only the archive has will not be in it, and it "
      "may take the number of a timeline that the archive has already.\n");
  return {Code::kNotFound, status.message()};
}

Status FetchForStandby(const WalSpool& spool, const GetOptions& options, Session& session) {
  const bool in_a_hurry = spool.HasOutage() || IsPromotionRequested(spool.data_directory());
  const Clock& clock = *session.ctx().clock;
  int64_t requested = 0;
  GetOptions whole = options;
  whole.partial.clear();
  Status status = FetchWithin(spool.config_path(), whole, in_a_hurry ? kStandbyOutageMillis : kStandbyMillis, session,
                              [&]() -> Status {
                                if (requested == 0 && IsPromotionRequested(spool.data_directory()))
                                  requested = clock.SteadyMillis();
                                if (requested == 0 || clock.SteadyMillis() < requested + kPromotionMillis)
                                  return Status::Ok();
                                return {Code::kCancelled, "a promotion was asked for"};
                              });
  if (session.ctx().cancelled()) return {Code::kCancelled, "stopped by a signal"};
  return GoOnWithout(spool, std::move(status));
}

// The server has removed its signal files and copies the history of the timeline it leaves. What it followed lies in
// its pg_wal, where it looks when it is told that the archive has no such file.
bool WantsHistoryItHas(const GetOptions& options) {
  if (!options.name.ends_with(".history")) return false;
  const std::string data = DataDirectoryOf(options.path);
  return !data.empty() && access((data + "/pg_wal/" + options.name).c_str(), R_OK) == 0 &&
         RoleOf(data) == RecoveryRole::kEnded;
}

Status FetchOrLeaveLocal(const std::string& config_path, const GetOptions& options, Session& session) {
  Status status = FetchWithin(config_path, options, kStandbyMillis, session, [] { return Status::Ok(); });
  if (status.ok() || status.code() == Code::kNotFound || session.ctx().cancelled()) return status;
  PrintError(status);
  PrintToStderr("pg_pitr: warning: the server uses the file of this name in its pg_wal\n");
  return {Code::kNotFound, status.message()};
}

// Answers PostgreSQL's search for a free number without the store.
bool WriteNumberOfAnother(const GetOptions& options) {
  const auto name = ParseWalFileName(options.name, kAnySegmentSize);
  if (!name || name->kind != WalFileKind::kHistory) return false;
  const std::string data = DataDirectoryOf(options.path);
  const char* archives_to = getenv(kArchivesToVariable);
  if (data.empty() || !IsNumberOfAnother(data, name->timeline, archives_to ? archives_to : "")) return false;
  std::ofstream file(options.path, std::ios::trunc);
  file << "# The number of this timeline was given to another restore from the same repository.\n";
  file.close();
  return !file.fail();
}

// A standby is told, too: it must not get these by streaming either, so it ends.
Status CheckPlaces(const GetOptions& options) {
  const std::string data = DataDirectoryOf(options.path);
  if (data.empty()) return Status::Ok();
  Status status = CheckSegmentPlaces(data, options.name, options.path);
  if (!status.ok()) unlink(options.path.c_str());
  return status;
}

Status RunWalGet(const Invocation& invocation, const GetOptions& options) {
  // The first timeline has no history; every recovery that ends asks for it all the same.
  if (options.name == kHistoryOfFirst) return {Code::kNotFound, "timeline 1 has no history file"};
  const std::string config_path = ConfigPath(invocation.config);
  const auto spool = WalSpool::For(options.path, config_path);
  const bool standby = spool && RoleOf(spool->data_directory()) == RecoveryRole::kStandby;
  if (spool && IsSpooledName(options.name) && !options.no_prefetch) {
    const bool outage = standby && spool->HasOutage();
    const int64_t wait_millis = !standby ? kWaitMillis : outage ? kStandbyOutageMillis : kStandbyMillis;
    if (TakeAhead(*spool, options, outage, wait_millis)) return Status::Ok();
  }
  if (WriteNumberOfAnother(options)) return Status::Ok();
  Session session(invocation);
  if (WantsHistoryItHas(options)) return FetchOrLeaveLocal(config_path, options, session);
  const Status status =
      standby ? FetchForStandby(*spool, options, session) : Fetch(config_path, options, session.log(), session.ctx());
  return status.ok() ? CheckPlaces(options) : status;
}

int ExitWith(const Status& status) {
  // An absent file is the ordinary end of every recovery, not worth a line in the server's log each time.
  if (!status.ok() && status.code() != Code::kNotFound) PrintError(status);
  return ExitCodeOrLeave(WalGetExitCode(status));
}

}  // namespace

void AddWalGet(CLI::App& app, Invocation& invocation) {
  auto* verb = app.add_subcommand("wal-get", "restore_command: fetch one file of the archive (called by PostgreSQL)");
  verb->footer(
      "In postgresql.conf: restore_command = 'pg_pitr wal-get --config FILE \"%f\" \"%p\"'; pg_pitr restore writes "
      "it.\n"
      "While a server recovers, a process of its own fetches the following segments ahead into pg_wal/pg_pitr.spool "
      "(at most 128 MB or two segments) and ends with the recovery.\n"
      "Exit codes: 0 the file is there, whole and verified; 1 the store confirmed that there is no such file, which "
      "ends recovery; 200 the store did not answer, 201 damaged in the store, 202 permission denied, 203 wrong "
      "settings or command "
      "line, 204 stored for another cluster, or would make a tablespace in another server's place, 205 internal error, "
      "128 + "
      "N stopped by signal N. PostgreSQL stops instead of "
      "ending recovery early for everything above 125.\n"
      "For a running standby (standby.signal) every failure of the archive is exit code 1, after a few seconds: it "
      "then streams, or asks again, and can be promoted at any time.");
  AddConfigOption(*verb, invocation);
  auto options = std::make_shared<GetOptions>();
  verb->add_option("name", options->name, "Name of the file (%f)")->required()->type_name("NAME");
  verb->add_option("path", options->path, "Where to put it (%p)")->required()->type_name("PATH");
  verb->add_option("--partial", options->partial,
                   "Of this segment the beginning will do, when the archive has no more (written by pg_pitr restore "
                   "where a recovery ends in it; never for a standby)")
      ->type_name("SEGMENT");
  verb->add_flag("--no-prefetch", options->no_prefetch, "Fetch this file only");
  verb->callback([&invocation, options] {
    invocation.run = [&invocation, options] { return ExitWith(RunWalGet(invocation, *options)); };
  });
}

}  // namespace pitr::cli
