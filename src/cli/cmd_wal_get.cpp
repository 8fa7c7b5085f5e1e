// pg_pitr wal-get: PostgreSQL's restore_command. Hands out one file of the archive, verified, and says honestly why
// when it cannot.
//
// A segment that was fetched ahead is only renamed: no settings are read and no library is set up, because the server
// waits for every segment; mostly pg_pitr_wal_get has done that already. Otherwise the file is fetched here, while a
// process of its own begins to fetch those that follow.
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "cli/detach.h"
#include "cli/exit_code.h"
#include "cli/session.h"
#include "cli/settings_path.h"
#include "cli/signals.h"
#include "core/repo/wal_fetch.h"
#include "core/restore/wal_prefetch.h"
#include "core/restore/wal_spool.h"

namespace pitr::cli {
namespace {

// A segment that is being fetched ahead is waited for rather than fetched twice.
constexpr int kWaitMillis = 30000;
constexpr int kWaitStepMillis = 2;

struct GetOptions {
  std::string name;
  std::string path;
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
    auto repository = OpenArchive(spool.config_path(), NullLog(), ctx);
    if (!repository.ok()) return;
    PrefetchLimits limits;
    limits.jobs = repository.value()->config().restore_jobs;
    (void)RunPrefetcher(*repository.value(), spool, limits, ctx);
  });
}

// Whether the segment came from the spool.
bool TakeAhead(const WalSpool& spool, const GetOptions& options) {
  const bool taken = spool.Take(options.name, options.path);
  spool.Request(options.name);
  if (!spool.HasPrefetcher()) StartPrefetcher(spool);
  if (taken) return true;
  for (int waited = 0; waited < kWaitMillis && spool.IsBeingFetched(options.name); waited += kWaitStepMillis)
    usleep(kWaitStepMillis * 1000);
  return spool.Take(options.name, options.path);
}

Status RunWalGet(const Invocation& invocation, const GetOptions& options) {
  const std::string config_path = ConfigPath(invocation.config);
  if (IsSpooledName(options.name) && !options.no_prefetch) {
    const auto spool = WalSpool::For(options.path, config_path);
    if (spool && TakeAhead(*spool, options)) return Status::Ok();
  }
  Session session(invocation);
  PITR_ASSIGN(const auto repository, OpenArchive(config_path, session.log(), session.ctx()));
  return FetchWalFile(*repository, options.name, options.path, session.ctx());
}

int ExitWith(const Status& status) {
  // An absent file is the ordinary end of every recovery, not worth a line in the server's log each time.
  if (!status.ok() && status.code() != Code::kNotFound) PrintError(status);
  return WalGetExitCode(status);
}

}  // namespace

void AddWalGet(CLI::App& app, Invocation& invocation) {
  auto* verb = app.add_subcommand("wal-get", "restore_command: fetch one file of the archive (called by PostgreSQL)");
  verb->footer(
      "In postgresql.conf: restore_command = 'pg_pitr wal-get --config FILE \"%f\" \"%p\"'; pg_pitr restore writes "
      "it.\n"
      "While a server recovers, a process of its own fetches the following segments ahead into pg_wal/pg_pitr.spool "
      "(at most 128 MB\n"
      "or two segments) and ends with the recovery.\n"
      "Exit codes: 0 the file is there, whole and verified; 1 the store confirmed that there is no such file, which "
      "ends recovery;\n"
      "200 the store did not answer, 201 damaged in the store, 202 permission denied, 203 wrong settings or command "
      "line,\n"
      "204 stored for another cluster, 205 internal error, 128 + N stopped by signal N. PostgreSQL stops instead of "
      "ending\n"
      "recovery early for everything above 125.");
  AddConfigOption(*verb, invocation);
  auto options = std::make_shared<GetOptions>();
  verb->add_option("name", options->name, "Name of the file (%f)")->required();
  verb->add_option("path", options->path, "Where to put it (%p)")->required();
  verb->add_flag("--no-prefetch", options->no_prefetch, "Fetch this file only");
  verb->callback([&invocation, options] {
    invocation.run = [&invocation, options] { return ExitWith(RunWalGet(invocation, *options)); };
  });
}

}  // namespace pitr::cli
