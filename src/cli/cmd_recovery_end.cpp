// pg_pitr recovery-end, which a restored server calls when its recovery has ended, and pg_pitr outcome, which says
// whether it ended where the plan said.
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <memory>

#include "cli/exit_code.h"
#include "cli/signals.h"
#include "cli/verbs.h"
#include "core/base/op_context.h"
#include "core/pg/timestamp.h"
#include "core/restore/recovery_end.h"

namespace pitr::cli {
namespace {

constexpr int kPollMicros = 200000;

std::string AbsoluteDirectory(const std::string& directory) {
  std::error_code ignored;
  return std::filesystem::absolute(directory, ignored).lexically_normal().string();
}

// To the server's log, which takes what its commands say.
Status RunRecoveryEnd(const std::string& directory) {
  PITR_ASSIGN(const auto mark, FinishRecovery(AbsoluteDirectory(directory), SystemClock().WallMicros()));
  if (!mark || !mark->outcome) return Status::Ok();
  std::fprintf(stderr, "pg_pitr: %s%s\n",
               mark->outcome->as_planned ? "" : "WARNING: NOT AS PLANNED: ", mark->outcome->text.c_str());
  return Status::Ok();
}

struct OutcomeOptions {
  std::string directory;
  int wait_seconds = 0;
};

Status RunOutcome(const OutcomeOptions& options) {
  OpContext ctx;
  ctx.cancel = &CatchSignals();
  if (options.directory.empty())
    return Status(Code::kInvalidArgument, "no data directory given")
        .WithHint("Give the restored directory with -D, or in $PGDATA.");
  const std::string directory = AbsoluteDirectory(options.directory);
  const int64_t until = ctx.clock->SteadyMillis() + int64_t{options.wait_seconds} * 1000;
  for (;;) {
    PITR_TRY(ctx.Check());
    PITR_ASSIGN(const ClusterTree tree, ClusterTree::Open(directory));
    PITR_ASSIGN(const auto mark, ReadRestoreMark(tree));
    if (!mark)
      return Status(Code::kInvalidArgument, "data directory \"" + directory + "\" was not made by pg_pitr restore");
    if (mark->outcome) {
      std::printf("%s\n", mark->outcome->text.c_str());
      if (mark->outcome->as_planned) return Status::Ok();
      return Status(Code::kConflict, "recovery did not end where the plan said")
          .WithHint(
              "Look into the server log, and for recovery_target settings on the server's command line, which win over "
              "those that the restore wrote. Nothing in the archive has changed: restore again.");
    }
    if (ctx.clock->SteadyMillis() >= until)
      return Status(Code::kUnavailable, "recovery has not ended in \"" + directory + "\"")
          .WithDetail("It was restored " + FormatToSecond(mark->restored_micros) + " from backup " + mark->backup +
                      " to " + mark->target + ".")
          .WithHint("Start the server, look into its log, and ask again; --wait 600 waits ten minutes.");
    usleep(kPollMicros);
  }
}

}  // namespace

void AddRecoveryEnd(CLI::App& app, Invocation& invocation) {
  auto* verb =
      app.add_subcommand("recovery-end", "recovery_end_command: clean up after a restore (called by PostgreSQL)");
  verb->footer(
      "pg_pitr restore writes it. Takes what the restore wrote out of postgresql.auto.conf, unless it was changed "
      "since,\n"
      "and records where recovery ended. Does nothing in a directory that was not restored or still recovers.");
  AddConfigOption(*verb, invocation);
  auto directory = std::make_shared<std::string>(".");
  verb->add_option("-D,--pgdata", *directory, "Data directory (default: the current one, as PostgreSQL calls it)")
      ->type_name("DIR");
  verb->callback(
      [&invocation, directory] { invocation.run = [directory] { return ExitOf(RunRecoveryEnd(*directory)); }; });

  auto* outcome = app.add_subcommand("outcome", "Say whether a restored server's recovery ended where the plan said");
  outcome->footer("Exit codes: 0 as planned, 1 not as planned, or not ended yet.");
  AddConfigOption(*outcome, invocation);
  auto options = std::make_shared<OutcomeOptions>();
  outcome->add_option("-D,--pgdata", options->directory, "The restored data directory (default: $PGDATA)")
      ->type_name("DIR")
      ->envname("PGDATA");
  outcome->add_option("--wait", options->wait_seconds, "Wait so long for recovery to end")
      ->type_name("SECONDS")
      ->check(CLI::Range(0, 1000000));
  outcome->callback([&invocation, options] { invocation.run = [options] { return ExitOf(RunOutcome(*options)); }; });
}

}  // namespace pitr::cli
