// pg_pitr expire: deletes what the retention settings do not keep, and what died half-way.
#include "cli/print.h"
#include "cli/reply.h"
#include "cli/session.h"
#include "core/base/process_name.h"
#include "core/expire/expire_settings.h"
#include "core/report/expire_report.h"
#include "core/verify/known_damage.h"

namespace pitr::cli {
namespace {

struct ExpireOptions {
  bool dry_run = false;
  bool force = false;
  std::vector<std::string> labels;
  std::string leftover_age;
};

Result<Reply> RunExpire(const Invocation& invocation, const ExpireOptions& options) {
  Session session(invocation);
  PITR_ASSIGN(const Config config, session.LoadConfig(SettingsFor::kExpiring));
  PITR_ASSIGN(ExpireRequest request, ExpireRequestOf(config));
  if (options.force && options.labels.empty())
    return Status(Code::kInvalidArgument, "--force needs --backup LABEL")
        .WithHint("What the retention settings keep is changed by changing them.");
  if (!options.leftover_age.empty()) {
    PITR_ASSIGN(const CalendarSpan age, ParseCalendarSpan(options.leftover_age));
    request.leftover_age_micros = SpanMicros(age);
    Echo("--leftover-age", options.leftover_age, SpanText(age));
  }
  request.dry_run = options.dry_run;
  request.force = options.force;
  request.labels = {options.labels.begin(), options.labels.end()};
  request.by = ProcessName();
  const int64_t begun = session.ctx().clock->SteadyMillis();
  PITR_ASSIGN(const auto repository, session.OpenRepository(config));
  PITR_ASSIGN(request.damage_of, FindKnownDamage(*repository, DamageOf::kAnything, session.ctx()));
  PITR_ASSIGN(const ExpireReport report, Expire(*repository, request, session.ctx()));
  const int64_t millis = session.ctx().clock->SteadyMillis() - begun;
  return Reply{ExpireText(report, options.dry_run, millis, PageWidth()),
               ExpireJson(report, options.dry_run, millis),
               report.Complete() ? kExitOk : kExitFailed,
               {}};
}

}  // namespace

void AddExpire(CLI::App& app, Invocation& invocation) {
  auto* verb = app.add_subcommand("expire", "Delete the backups and the WAL that the retention settings do not keep");
  verb->footer(
      "What is kept is said by pg_pitr.retention_full, retention_diff, retention_age and retention_monthly in the "
      "settings file; without the first and the third of them no full backup and no WAL is ever deleted. What a crash "
      "left behind is removed when it is older than pg_pitr.expire_leftover_age.\n"
      "Safe while backups, restores of newer backups and other expiries run; when it is stopped, run it again.\n"
      "Exit code 1 when the store refused a deletion or something unreadable stood in the way.\n\n"
      "Example:\n  pg_pitr expire --dry-run");
  AddConfigOption(*verb, invocation);
  auto options = std::make_shared<ExpireOptions>();
  verb->add_flag("-n,--dry-run", options->dry_run,
                 "Show what would be deleted and what is kept, and why; change nothing");
  AddPageOptions(*verb, invocation);
  verb->add_option("--backup", options->labels,
                   "Delete this backup and what builds on it instead of what the settings say; may be given again")
      ->type_name("LABEL");
  verb->add_flag("--force", options->force,
                 "With --backup: even if it is pinned, damaged, or the last one that can be restored");
  verb->add_option("--leftover-age", options->leftover_age, "Instead of pg_pitr.expire_leftover_age: \"2 hours\"")
      ->type_name("TIME");
  verb->callback([&invocation, options] {
    invocation.run = [&invocation, options] { return GiveReply(invocation, RunExpire(invocation, *options)); };
  });
}

}  // namespace pitr::cli
