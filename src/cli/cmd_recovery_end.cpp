// pg_pitr recovery-end, which a restored server calls when its recovery has ended, and pg_pitr outcome, which says
// whether it ended where the plan said.
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <memory>

#include "cli/exit_code.h"
#include "cli/print.h"
#include "cli/replay_state.h"
#include "cli/reply.h"
#include "cli/signals.h"
#include "cli/verbs.h"
#include "core/base/op_context.h"
#include "core/base/shell_word.h"
#include "core/pg/control.h"
#include "core/pg/timestamp.h"
#include "core/report/json_values.h"
#include "core/restore/configured_server.h"
#include "core/restore/cut_off_recovery.h"
#include "core/restore/directory_server.h"
#include "core/restore/recovery_end.h"
#include "core/restore/server_start.h"

namespace pitr::cli {
namespace {

constexpr int kPollMicros = 200000;

std::string AbsoluteDirectory(const std::string& directory) {
  std::error_code ignored;
  return std::filesystem::absolute(directory, ignored).lexically_normal().string();
}

// A server that was restored where its configuration lies outside of its directory starts with another one.
std::string DescribeNotArchiving(const std::string& directory, const RestoreMark& mark) {
  if (mark.as_copy && !mark.taken_over) return "";
  const std::string why = WhyStartedNotArchiving(ReadStartedServer(directory));
  if (why.empty()) return "";
  return "THIS SERVER DOES NOT ARCHIVE: " + why +
         ". What is done on it from now on cannot be recovered. Unless that is meant, give it the settings that the "
         "restore named (shared_preload_libraries, archive_mode, archive_library, the settings file of pg_pitr), "
         "restart it, and take a backup.";
}

// To the server's log, which takes what its commands say.
Status RunRecoveryEnd(const std::string& directory) {
  PITR_ASSIGN(const auto mark, FinishRecovery(AbsoluteDirectory(directory), SystemClock().WallMicros()));
  if (!mark || !mark->outcome) return Status::Ok();
  PrintToStderr(std::string("pg_pitr: ") + (mark->outcome->as_planned ? "" : "WARNING: NOT AS PLANNED: ") +
                mark->outcome->text + "\n");
  if (const std::string text = DescribeNotArchiving(AbsoluteDirectory(directory), *mark); !text.empty())
    PrintToStderr("pg_pitr: WARNING: " + text + "\n");
  return Status::Ok();
}

constexpr int64_t kAskEveryMillis = 1000;

struct OutcomeOptions {
  std::string directory;
  int wait_seconds = 0;
};

// What is known of a recovery that has not ended.
struct Unended {
  std::optional<RecoveryOutcome> halted;  // it stopped and stays there
  bool paused = false;                    // and the server is open for reading
  std::optional<bool> runs;               // whether a server has the directory open; nullopt: it was not asked
  std::string detail;                     // a sentence, empty when there is nothing to say
};

std::string ShutDownText(const RecoveryOutcome& outcome, Lsn planned) {
  return "The server was shut down during recovery; pg_control proves that it had replayed up to " +
         outcome.lsn.ToString() + ", and the target is at " + planned.ToString() +
         ". Its log says \"shutdown at recovery target\" if it got there.";
}

Unended LookAtRecovery(const std::string& directory, const RestoreMark& mark, bool ask) {
  Unended found;
  const TargetAction action = ActionAtTarget(mark);
  if (mark.mode != RecoveryMode::kRecover || action == TargetAction::kPromote) return found;
  const auto control = ReadControlFile(directory + "/" + kControlFilePath);
  if (control.ok() && control.value().data.state == ClusterState::kShutDownInRecovery) {
    // So does a server without hot_standby that is told to pause.
    RecoveryOutcome outcome = CompareHalted(mark, Halt::kShutDown, control.value().data.min_recovery_point);
    if (outcome.as_planned) {
      found.halted = std::move(outcome);
    } else {
      found.detail = ShutDownText(outcome, mark.stop_lsn);
    }
    return found;
  }
  if (action != TargetAction::kPause || !ask) return found;
  const auto state = AskReplayState(directory);
  found.runs = state.code() != Code::kNotFound;
  if (!state.ok()) {
    if (*found.runs) found.detail = state.status().message() + ". " + state.status().detail();
  } else if (state.value().paused) {
    found.halted = CompareHalted(mark, Halt::kPaused, state.value().replayed);
    found.paused = true;
  } else {
    found.detail = "The server has replayed up to " + state.value().replayed.ToString() + " and goes on.";
  }
  return found;
}

nlohmann::ordered_json OutcomeJson(const std::string& directory, const RestoreMark& mark,
                                   const RecoveryOutcome* outcome, bool paused) {
  nlohmann::ordered_json as_planned, text, lsn, timeline;
  if (outcome != nullptr) {
    as_planned = outcome->as_planned;
    text = outcome->text;
    lsn = JsonLsn(outcome->lsn);
    timeline = JsonTimeline(outcome->timeline);
  }
  return {{"data_directory", directory},
          {"backup", mark.backup},
          {"target", mark.target},
          {"restored", JsonTime(mark.restored_micros)},
          {"ended", outcome != nullptr},
          {"as_planned", as_planned},
          {"paused", paused},
          {"text", text},
          {"lsn", lsn},
          {"timeline", timeline}};
}

ServerStart HowToStartAgain(const std::string& directory, const RestoreMark& mark) {
  return HowToStart(directory, mark.config_file, mark.as_copy && !mark.taken_over);
}

Reply OutcomeReply(const std::string& directory, const RestoreMark& mark, const RecoveryOutcome& outcome, bool paused) {
  Reply reply{outcome.text + "\n", OutcomeJson(directory, mark, &outcome, paused), kExitOk, {}};
  if (outcome.as_planned) {
    if (paused) reply.text += "Is it what you wanted? SELECT pg_wal_replay_resume() opens the server for writing.\n";
    if (!paused && !outcome.timeline.valid()) reply.text += DescribeOpening(HowToStartAgain(directory, mark)) + "\n";
    return reply;
  }
  reply.error =
      paused ? Status(Code::kConflict, "recovery is paused, and not where the plan said")
                   .WithHint(
                       "Look into the server log: a setting that is smaller than it was pauses recovery as well, and "
                       "so does pg_wal_replay_pause(). SELECT pg_wal_replay_resume() goes on.")
             : Status(Code::kConflict, "recovery did not end where the plan said")
                   .WithHint(
                       "Look into the server log, and for recovery_target settings on the server's command line, which "
                       "win over those that the restore wrote. What the archive has stays there: restore again.");
  return reply;
}

// What was started in another way may be another server.
std::string HintUnended(const std::string& directory, const RestoreMark& mark, const Unended& unended) {
  std::string at;  // unless the detail says it
  bool runs = unended.runs.value_or(false);
  if (!unended.runs) {
    const auto state = AskReplayState(directory);
    runs = state.code() != Code::kNotFound;
    if (state.ok()) at = ", and has replayed up to " + state.value().replayed.ToString();
  }
  if (runs)
    return mark.mode == RecoveryMode::kStandby
               ? "The server runs" + at + ": a standby follows the archive, and its recovery ends when it is promoted."
               : "The server runs" + at + ". Look into its log, and ask again; --wait 600 waits ten minutes.";
  const ServerStart start = HowToStartAgain(directory, mark);
  const std::string elsewhere = DescribeElsewhere(start, directory);
  return "Start the server, " + start.command + ", look into its log, and ask again; --wait 600 waits ten minutes." +
         (elsewhere.empty() ? "" : " " + elsewhere);
}

// The server does not run. One that loads pg_pitr at its start writes the file itself.
Reply CutOffReply(const std::string& directory, const RestoreMark& mark) {
  Reply reply{"", OutcomeJson(directory, mark, nullptr, false), kExitFailed, {}};
  reply.error =
      Status(Code::kConflict, "recovery has not ended in \"" + directory + "\", and recovery.signal is gone")
          .WithDetail(
              "The server died while recovery ended, or the file was removed by hand. Started without it the server "
              "replays what is in pg_wal beyond the target, " +
              mark.target + ".")
          .WithHint("As the server's user, before it is started: touch " +
                    ShellWord(directory + "/" + std::string(kRecoverySignal)) +
                    ". A server with pg_pitr in shared_preload_libraries does that by itself.");
  return reply;
}

Result<Reply> RunOutcome(const OutcomeOptions& options) {
  OpContext ctx;
  ctx.cancel = &CatchSignals();
  if (options.directory.empty())
    return Status(Code::kInvalidArgument, "no data directory given")
        .WithHint("Give the restored directory with -D, or in $PGDATA.");
  const std::string directory = AbsoluteDirectory(options.directory);
  const int64_t until = ctx.clock->SteadyMillis() + int64_t{options.wait_seconds} * 1000;
  int64_t asked = INT64_MIN / 2;
  for (;;) {
    PITR_TRY(ctx.Check());
    PITR_ASSIGN(const ClusterTree tree, ClusterTree::OpenWithWal(directory));
    PITR_ASSIGN(const RestoreMark mark, MarkOfRestored(tree));
    if (mark.outcome) {
      if (const std::string text = DescribeNotArchiving(directory, mark); !text.empty())
        PrintToStderr("pg_pitr: warning: " + text + "\n");
      return OutcomeReply(directory, mark, *mark.outcome, /*paused=*/false);
    }
    PITR_ASSIGN(const auto found, FindOutcome(tree, mark));
    if (found && found->undone) return OutcomeReply(directory, mark, *found, /*paused=*/false);
    const int64_t now = ctx.clock->SteadyMillis();
    const bool last = now >= until, ask = last || now - asked >= kAskEveryMillis;
    if (ask) asked = now;
    const Unended unended = LookAtRecovery(directory, mark, ask);
    if (unended.halted) return OutcomeReply(directory, mark, *unended.halted, unended.paused);
    if (last) {
      PITR_ASSIGN(const bool cut_off, IsCutOff(tree, mark));
      if (cut_off && RoleOf(directory) == RecoveryRole::kNone) return CutOffReply(directory, mark);
      Reply reply{"", OutcomeJson(directory, mark, nullptr, false), kExitFailed, {}};
      reply.error =
          Status(Code::kUnavailable, "recovery has not ended in \"" + directory + "\"")
              .WithDetail("It was restored " + FormatToSecond(mark.restored_micros) + " from backup " + mark.backup +
                          " to " + mark.target + "." + (unended.detail.empty() ? "" : " " + unended.detail))
              .WithHint(HintUnended(directory, mark, unended));
      return reply;
    }
    usleep(kPollMicros);
  }
}

}  // namespace

void AddRecoveryEnd(CLI::App& app, Invocation& invocation) {
  auto* verb =
      app.add_subcommand("recovery-end", "recovery_end_command: clean up after a restore (called by PostgreSQL)");
  verb->footer(
      "pg_pitr restore writes it. Takes what the restore wrote out of postgresql.auto.conf, unless it was changed "
      "since, and records where recovery ended. Does nothing in a directory that was not restored or still recovers.");
  AddConfigOption(*verb, invocation);
  auto directory = std::make_shared<std::string>(".");
  verb->add_option("-D,--pgdata", *directory, "Data directory (default: the current one, as PostgreSQL calls it)")
      ->type_name("DIR");
  verb->callback(
      [&invocation, directory] { invocation.run = [directory] { return ExitOf(RunRecoveryEnd(*directory)); }; });

  auto* outcome = app.add_subcommand("outcome", "Say whether a restored server's recovery ended where the plan said");
  outcome->footer(
      "A recovery that was told to pause or to shut down has ended as planned when it is paused at its target, which "
      "the server is asked with psql, or has shut down there, which pg_control tells.\n"
      "Exit codes: 0 as planned, 1 not as planned, or not ended yet.");
  AddConfigOption(*outcome, invocation);
  AddJsonOption(*outcome, invocation);
  auto options = std::make_shared<OutcomeOptions>();
  outcome->add_option("-D,--pgdata", options->directory, "The restored data directory (default: $PGDATA)")
      ->type_name("DIR")
      ->envname("PGDATA");
  outcome->add_option("--wait", options->wait_seconds, "Wait so long for recovery to end")
      ->type_name("SECONDS")
      ->check(CLI::Range(0, 1000000));
  outcome->callback([&invocation, options] {
    invocation.run = [&invocation, options] { return GiveReply(invocation, RunOutcome(*options)); };
  });
}

}  // namespace pitr::cli
