// pg_pitr restore: plans, checks, and brings a directory to the state from which the server recovers by itself.
#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "cli/print.h"
#include "cli/progress_line.h"
#include "cli/reply.h"
#include "cli/session.h"
#include "cli/settings_path.h"
#include "cli/target_options.h"
#include "core/base/describe_size.h"
#include "core/base/job_limit.h"
#include "core/base/process_name.h"
#include "core/base/text_page.h"
#include "core/report/plan_report.h"
#include "core/report/restore_report.h"
#include "core/restore/planner.h"
#include "core/restore/recovery_settings.h"

namespace pitr::cli {
namespace {

struct Options {
  TargetOptions target;
  std::string data_directory;
  std::string mode = "recover";
  std::string wal_directory, configuration;
  std::vector<std::string> tablespaces;
  bool recorded_tablespaces = false, as_copy = false, delta = false, force = false, unprotected = false,
       dry_run = false, no_progress = false;
  int jobs = 0;
};

// The program made for it when it is installed beside this one, which alone will do.
std::string WalGetCommand() {
  const std::string program = ProgramPath(), quick = program + "_wal_get";
  if (access(quick.c_str(), X_OK) == 0) return QuoteForRestoreCommand(quick);
  return QuoteForRestoreCommand(program) + " wal-get";
}

Result<RestoreOptions> MakeRestoreOptions(const Options& options, const Config& config) {
  RestoreOptions restore;
  if (options.data_directory.empty())
    return Status(Code::kInvalidArgument, "no data directory given")
        .WithHint("Give the directory to restore into with -D, or in $PGDATA.");
  std::error_code ignored;
  restore.data_directory = std::filesystem::absolute(options.data_directory, ignored).lexically_normal().string();
  while (restore.data_directory.size() > 1 && restore.data_directory.back() == '/') restore.data_directory.pop_back();
  for (const std::string& mapping : options.tablespaces) {
    const size_t equals = mapping.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == mapping.size())
      return Status(Code::kInvalidArgument, "invalid tablespace mapping \"" + mapping + "\"")
          .WithHint("Write OLD=NEW, where OLD is the tablespace's directory or OID, and NEW an absolute path.");
    restore.tablespace_map[mapping.substr(0, equals)] = mapping.substr(equals + 1);
  }
  if (!options.wal_directory.empty())
    restore.wal_directory = std::filesystem::absolute(options.wal_directory, ignored).lexically_normal().string();
  if (!options.configuration.empty()) {
    if (!options.delta)
      return Status(Code::kInvalidArgument, "--configuration is for --delta")
          .WithDetail("In a new directory configuration is always the backup's.");
    restore.configuration = options.configuration == "keep" ? Configuration::kKeep : Configuration::kBackup;
  }
  restore.recorded_tablespaces = options.recorded_tablespaces;
  restore.delta = options.delta;
  restore.force = options.force;
  restore.hold = {int64_t{config.restore_hold_ms} * 1000, ProcessName(), options.unprotected};
  restore.jobs = options.jobs > 0 ? options.jobs : config.restore_jobs;
  restore.mode = options.mode == "standby" ? RecoveryMode::kStandby
                 : options.mode == "none"  ? RecoveryMode::kNone
                                           : RecoveryMode::kRecover;
  restore.as_copy = options.as_copy;
  if (options.as_copy && restore.mode != RecoveryMode::kRecover)
    return Status(Code::kInvalidArgument, "--as-copy goes with --mode recover only")
        .WithHint("A standby takes part in replication; of files only, the settings are yours.");
  restore.program = QuoteForRestoreCommand(ProgramPath());
  return restore;
}

// A partial segment is handed out where the plan ends in it and nowhere else: on another timeline's way it may hold
// what does not belong there.
std::string RestoreCommand(const std::string& config_path, const std::string& partial_segment) {
  std::string command = WalGetCommand() + " --config " + QuoteForRestoreCommand(config_path);
  if (!partial_segment.empty()) command += " --partial " + partial_segment;
  return command + " \"%f\" \"%p\"";
}

// A standby that is told a number does not go over to the timeline of a primary that is promoted later.
std::string StandbyTimeline(const RestorePlan& plan) {
  const auto timeline = plan.ServerTarget().timeline;
  if (!timeline) return "";
  const std::string number = std::to_string(timeline->value);
  return "It stays on timeline " + number + ": recovery_target_timeline = '" + number + "' is written, " +
         (plan.target.timeline ? "as you chose it"
                               : "because the archive also has a newer one that is not its branch") +
         ". When a primary is promoted to a new timeline, it does not follow by itself:\nit waits at the end of "
         "timeline " +
         number +
         ", without an error, until you set recovery_target_timeline to the new number ('latest' for the highest there "
         "is) and restart it.\n";
}

std::string NextSteps(const RestoreOptions& options, const RestorePlan& plan, const RestoreResult& result) {
  const ServerStart& how = result.start;
  // A command has a line of its own, so that it can be pasted where the line is broken as well.
  const std::string start =
      "  " + how.command + "\n" + (how.whole && how.elsewhere.empty() ? "Your service manager will do, too.\n" : "");
  if (options.mode == RecoveryMode::kNone)
    return "The files are in place. Recovery is not set up: add restore_command and recovery.signal before starting "
           "the server.\n" +
           start;
  if (options.mode == RecoveryMode::kStandby)
    return "Start the server; it becomes a standby that follows the archive. Set primary_conninfo to stream from a "
           "primary.\n" +
           StandbyTimeline(plan) + start;
  std::string text =
      "Start the server; it replays " + DescribeCount(plan.wal_segments, "WAL segment", "WAL segments") + " and ";
  if (plan.target.kind == TargetKind::kLatest || plan.target.action == TargetAction::kPromote) {
    text += "then opens for writing on a new timeline.\n";
  } else if (plan.target.action == TargetAction::kPause && !result.open_for_reading) {
    text += std::string("then shuts down at the target instead of pausing: hot_standby is off") +
            (plan.replay.without_hot_standby ? ", as this replay needs it" : "") +
            ". To have it open there, restore with --target-action promote.\n";
  } else if (plan.target.action == TargetAction::kPause) {
    text += "then stays open for reading. Look around; SELECT pg_wal_replay_resume() makes it final.\n";
  } else {
    text += "then shuts down. " + DescribeOpening(how) + "\nTo start it:\n";
  }
  if (options.as_copy)
    return text + "  " + how.command + "\n5499 may be any other port that is free.\n" +
           "It is a copy: it does not archive, replicate, subscribe or run pg_cron's jobs, and calls itself a copy; "
           "other "
           "schedulers and applications must be kept from it. The settings are at the end of postgresql.auto.conf.\n" +
           std::string(plan.target.kind != TargetKind::kLatest
                           ? ""
                           : "It ends where the archive does. Are newer rows wanted, and the original runs? SELECT "
                             "pg_switch_wal() there, then start the copy, or restore it once more.\n") +
           "Should it become the production server:\n  pg_pitr take-over -D " + options.data_directory + "\n";
  return text + start +
         "A look beside a production server that goes on? Then restore with --as-copy instead, so that it does not "
         "archive to production's repository.\n"
         "Did it end where planned?\n  pg_pitr outcome -D " +
         options.data_directory + " --wait 600\n" +
         "Is it what you wanted? Then take a new backup: SELECT pitr_backup();\n"
         "If not, stop the server and run pg_pitr restore with another target and --delta: what the archive has stays "
         "there.\n";
}

Result<Reply> RunWithProgress(const Repository& repository, const RestorePlan& plan, const RestoreOptions& restore,
                              const Options& options, const std::string& config_path, const OpContext& ctx) {
  Progress progress;
  const int64_t begun = ctx.clock->SteadyMillis();
  auto line = options.no_progress ? nullptr : std::make_unique<ProgressLine>(progress, stderr);
  auto result = RunRestore(repository, plan, restore, progress, ctx);
  line.reset();
  if (result.code() == Code::kCancelled)
    return Status(Code::kCancelled, "restore stopped by a signal")
        .WithDetail("The directory is incomplete and cannot be started.")
        .WithHint("Run the same command again to continue.");
  if (!result.ok()) return std::move(result).status();
  const int64_t millis = ctx.clock->SteadyMillis() - begun;
  return Reply{"\n" + DescribeRestore(result.value(), restore.data_directory, millis) + "\n" +
                   NextSteps(restore, plan, result.value()),
               RestoreJson(plan, config_path, result.value(), restore, millis),
               kExitOk,
               {}};
}

Result<Reply> RunRestoreVerb(const Invocation& invocation, const Options& options) {
  Session session(invocation);
  const std::string& path = session.config_path();
  PITR_ASSIGN(PlanRequest request, MakePlanRequest(options.target));
  PITR_ASSIGN(const Config config, session.LoadConfig());
  PITR_ASSIGN(RestoreOptions restore, MakeRestoreOptions(options, config));
  request.tablespaces = restore.tablespace_map;
  PITR_ASSIGN(const auto repository, session.OpenRepository(config));
  auto made = MakePlan(*repository, request, !options.no_progress, session.ctx());
  if (made.code() == Code::kCancelled)
    return Status(Code::kCancelled, "restore stopped by a signal while it was planned")
        .WithDetail("Nothing was written: \"" + restore.data_directory + "\" is as it was.");
  PITR_ASSIGN(const RestorePlan plan, std::move(made));
  restore.restore_command = RestoreCommand(path, restore.mode == RecoveryMode::kRecover ? plan.partial_segment : "");
  if (!invocation.json) {
    auto rows = DescribePlan(plan, path, restore.tablespace_map);
    if (!rows.empty() && rows.back().first == "command") rows.pop_back();  // it is the one being run
    PrintText(AlignItems(rows, 0, PageWidth()) + "\n");
    std::fflush(stdout);
  }
  if (!options.dry_run) return RunWithProgress(*repository, plan, restore, options, path, session.ctx());
  PITR_ASSIGN(const auto notes, CheckRestore(*repository, plan, restore, session.ctx()));
  return Reply{DescribeNotes(notes) + DescribeDryRun(), DryRunJson(plan, path, restore, notes), kExitOk, {}};
}

}  // namespace

void AddRestore(CLI::App& app, Invocation& invocation) {
  auto* verb = app.add_subcommand("restore", "Restore a backup into a directory and set up recovery to a target");
  verb->footer(
      "Plans first and stops if anything is missing. The server that starts from the directory replays WAL up to the "
      "target by itself. Until the restore is complete the directory has no global/pg_control and cannot be started; a "
      "restore that was interrupted is continued by the same command.\n\n"
      "Examples:\n"
      "  pg_pitr restore -D /var/lib/postgresql/15/main --delta --target-time '2026-05-22 14:29:00+02'\n"
      "  pg_pitr restore -D /srv/look --as-copy --target-lsn 0/5000028 --target-exclusive\n"
      "  pg_pitr restore -D /srv/pg --tablespace /srv/fast=/mnt/fast");
  AddConfigOption(*verb, invocation);
  auto options = std::make_shared<Options>();
  verb->add_option("-D,--pgdata", options->data_directory, "Directory to restore into (default: $PGDATA)")
      ->type_name("DIR")
      ->envname("PGDATA");
  AddTargetOptions(*verb, options->target);
  verb->add_option("--mode", options->mode, "recover (default), standby, or none (files only)")
      ->type_name("MODE")
      ->check(CLI::IsMember({"recover", "standby", "none"}));
  verb->add_option("--tablespace", options->tablespaces,
                   "Put the tablespace of directory (or OID) OLD into NEW; may be given again")
      ->type_name("OLD=NEW");
  verb->add_flag("--recorded-tablespaces", options->recorded_tablespaces,
                 "As root: tablespaces may go to the directories that the backup and WAL name");
  verb->add_option("--waldir", options->wal_directory,
                   "Make pg_wal a link to DIR (default: pg_wal stays where and what it is)")
      ->type_name("DIR");
  verb->add_flag("--as-copy", options->as_copy,
                 "A copy beside production: it does not archive, replicate, subscribe or run pg_cron's jobs");
  verb->add_flag(
      "--delta", options->delta,
      "Into an existing data directory: fetch only what differs, remove PostgreSQL's files that do not belong; "
      "nothing else is deleted");
  verb->add_option("--configuration", options->configuration,
                   "With --delta: keep (default) configuration and other files that are not PostgreSQL's as they are "
                   "now, or take the backup's and set those aside")
      ->type_name("keep|backup")
      ->check(CLI::IsMember({"keep", "backup"}));
  verb->add_flag("--force", options->force,
                 "With --delta: even if the directory, or a tablespace's, may be of another cluster");
  verb->add_flag("--unprotected", options->unprotected,
                 "Even if the backup, or WAL after it, is marked to be deleted by an expiry");
  verb->add_option("-j,--jobs", options->jobs, "Parallel reads (default: pg_pitr.restore_jobs)")
      ->type_name("N")
      ->check(CLI::Range(1, kMaxJobs));
  verb->add_flag("--dry-run", options->dry_run, "Plan and check, write nothing");
  verb->add_flag("--no-progress", options->no_progress, "Do not show progress");
  AddPageOptions(*verb, invocation);
  verb->callback([&invocation, options] {
    invocation.run = [&invocation, options] { return GiveReply(invocation, RunRestoreVerb(invocation, *options)); };
  });
}

}  // namespace pitr::cli
