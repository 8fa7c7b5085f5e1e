// pg_pitr verify: whether everything that recoveries need is in the repository and is what was stored.
#include <charconv>
#include <cstdio>

#include "cli/print.h"
#include "cli/progress_line.h"
#include "cli/reply.h"
#include "cli/session.h"
#include "core/base/job_limit.h"
#include "core/config/settings.h"
#include "core/report/verify_report.h"

namespace pitr::cli {
namespace {

struct CommandOptions {
  std::string label;
  bool wal = false;
  bool quick = false;
  std::string sample;
  std::string seed;
  int jobs = 0;
  std::string max_rate;
  bool restart = false;
  bool no_progress = false;
};

// "5%" or "5".
Result<double> ParsePercent(std::string_view text) {
  std::string_view number = text;
  if (number.ends_with('%')) number.remove_suffix(1);
  double percent = 0;
  const auto end = std::from_chars(number.data(), number.data() + number.size(), percent);
  if (end.ec == std::errc() && end.ptr == number.data() + number.size()) return percent;
  return Status(Code::kInvalidArgument, "\"" + std::string(text) + "\" is not a percentage")
      .WithHint("Write --sample 5%.");
}

Result<VerifyOptions> MakeOptions(const CommandOptions& options, Config& config) {
  VerifyOptions verify;
  VerifyRequest& request = verify.request;
  if (!options.label.empty()) {
    request.scope = VerifyScope::kBackup;
    request.label = options.label;
  } else if (options.wal) {
    request.scope = VerifyScope::kWal;
  }
  if (options.quick) request.mode = VerifyMode::kQuick;
  if (!options.sample.empty()) {
    request.mode = VerifyMode::kSample;
    PITR_ASSIGN(request.sample_percent, ParsePercent(options.sample));
  }
  if (!options.seed.empty()) {
    uint64_t seed = 0;
    const auto end = std::from_chars(options.seed.data(), options.seed.data() + options.seed.size(), seed);
    if (end.ec != std::errc() || end.ptr != options.seed.data() + options.seed.size())
      return Status(Code::kInvalidArgument, "\"" + options.seed + "\" is not a seed")
          .WithHint("A seed is a number that an earlier sample has told.");
    request.seed = seed;
  }
  if (!options.max_rate.empty()) {
    const Setting& rate = *FindSetting("verify_max_rate");
    PITR_TRY(ApplyOption(rate, options.max_rate, config));
    Echo("--max-rate", options.max_rate, ShowSetting(rate, config));
  }
  verify.jobs = options.jobs > 0 ? options.jobs : config.verify_jobs;
  verify.max_bytes_per_second = static_cast<uint64_t>(config.verify_max_rate_kb) * 1024;
  verify.restart = options.restart;
  return verify;
}

Result<VerifyReport> Run(const Invocation& invocation, const CommandOptions& options) {
  Session session(invocation);
  PITR_ASSIGN(Config config, session.LoadConfig());
  PITR_ASSIGN(const VerifyOptions verify, MakeOptions(options, config));
  Progress progress;
  auto line = options.no_progress || invocation.json ? nullptr : std::make_unique<ProgressLine>(progress, stderr);
  auto report = RunVerify(config, verify, progress, session.log(), session.ctx());
  line.reset();
  if (report.code() == Code::kCancelled)
    return Status(Code::kCancelled, "verification stopped by a signal")
        .WithHint("Run the same command again to continue; --restart begins anew.");
  return report;
}

int VerifyExitCode(VerifyOutcome outcome) {
  if (outcome == VerifyOutcome::kGood) return kExitOk;
  return outcome == VerifyOutcome::kDamage ? kExitDamage : kExitFailed;
}

Result<Reply> RunVerifyVerb(const Invocation& invocation, const CommandOptions& options) {
  const auto report = Run(invocation, options);
  // A monitor that reads JSON is told in JSON that nothing is known.
  if (!report.ok()) return Reply{"", {{"result", "not checked"}}, kExitFailed, report.status()};
  return Reply{VerifyText(report.value(), PageWidth()),
               VerifyJson(report.value()),
               VerifyExitCode(report.value().outcome()),
               {}};
}

}  // namespace

void AddVerify(CLI::App& app, Invocation& invocation) {
  auto* verb = app.add_subcommand("verify", "Prove that the repository holds, unharmed, what recoveries need");
  verb->footer(
      "Reads every object, checks every checksum, and follows the WAL of every backup and of the recovery window. "
      "A verification that was interrupted is continued by the same command. The result is kept in the repository "
      "and shown by pg_pitr info.\n\n"
      "Exit codes: 0 good, 4 damage was found, 1 could not be checked (or not all of it), 2 wrong command line or "
      "settings, 3 stopped by a signal.\n\n"
      "Examples:\n"
      "  pg_pitr verify                 everything\n"
      "  pg_pitr verify --sample 5%     every file map, and 5 % of the data and of the WAL, another 5 % each time\n"
      "  pg_pitr verify --quick --json  what listings, manifests and file maps tell, for a monitor");
  AddConfigOption(*verb, invocation);
  auto options = std::make_shared<CommandOptions>();
  auto* label =
      verb->add_option("--label", options->label, "Only this backup and the WAL it needs")->type_name("LABEL");
  verb->add_flag("--wal", options->wal, "Only the WAL")->excludes(label);
  auto* quick = verb->add_flag("--quick", options->quick, "Read no data: listings, sizes, manifests and file maps");
  auto* sample = verb->add_option("--sample", options->sample, "Read this part of the data, chosen at random")
                     ->type_name("PERCENT");
  sample->excludes(quick);
  verb->add_option("--seed", options->seed, "Choose the same sample again")->type_name("NUMBER")->needs(sample);
  verb->add_option("-j,--jobs", options->jobs, "Parallel reads (default: pg_pitr.verify_jobs)")
      ->type_name("N")
      ->check(CLI::Range(1, kMaxJobs));
  verb->add_option("--max-rate", options->max_rate, "Read at most so much a second (default: pg_pitr.verify_max_rate)")
      ->type_name("SIZE");
  verb->add_flag("--restart", options->restart, "Do not continue an interrupted verification");
  AddPageOptions(*verb, invocation);
  verb->add_flag("--no-progress", options->no_progress, "Do not show progress");
  verb->callback([&invocation, options] {
    invocation.run = [&invocation, options] { return GiveReply(invocation, RunVerifyVerb(invocation, *options)); };
  });
}

}  // namespace pitr::cli
