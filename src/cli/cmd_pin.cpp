// pg_pitr pin and unpin: keep a backup whatever the retention settings say, or no longer.
#include "cli/reply.h"
#include "cli/session.h"
#include "core/base/process_name.h"
#include "core/pg/timestamp.h"
#include "core/repo/backups/backup_pin.h"

namespace pitr::cli {
namespace {

struct PinOptions {
  std::string label;
  std::string reason;
  std::string until;
};

Result<Reply> RunPin(const Invocation& invocation, const PinOptions& options) {
  Session session(invocation);
  PinRequest request{options.label, options.reason, 0, ProcessName()};
  if (!options.until.empty()) {
    PITR_ASSIGN(const ParsedTimestamp until, ParseTimestamp(options.until));
    if (!until.exact) return until.inexact;
    request.until_micros = until.micros;
  }
  PITR_ASSIGN(const auto repository, session.OpenRepository(SettingsFor::kStoring));
  PITR_ASSIGN(const BackupPin pin, PinBackup(*repository, request, session.ctx()));
  const std::string until =
      pin.until_micros == 0 ? "until it is unpinned" : "until " + DescribeTimestamp(pin.until_micros);
  nlohmann::ordered_json end;
  if (pin.until_micros != 0) end = FormatIso8601(pin.until_micros);
  return Reply{"backup \"" + pin.label + "\" is pinned " + until + "\n",
               {{"label", pin.label}, {"pinned", true}, {"until", end}, {"reason", pin.reason}},
               kExitOk,
               {}};
}

Result<Reply> RunUnpin(const Invocation& invocation, const PinOptions& options) {
  Session session(invocation);
  PITR_ASSIGN(const auto repository, session.OpenRepository(SettingsFor::kStoring));
  PITR_ASSIGN(const int removed, UnpinBackup(*repository, options.label, session.ctx()));
  return Reply{"backup \"" + options.label + (removed > 0 ? "\" is not pinned any more\n" : "\" was not pinned\n"),
               {{"label", options.label}, {"pinned", false}, {"was_pinned", removed > 0}},
               kExitOk,
               {}};
}

template <class Run>
void SetRun(CLI::App& verb, Invocation& invocation, const std::shared_ptr<PinOptions>& options, Run run) {
  AddConfigOption(verb, invocation);
  AddJsonOption(verb, invocation);
  verb.add_option("label", options->label, "The backup")->required()->type_name("LABEL");
  verb.callback([&invocation, options, run] {
    invocation.run = [&invocation, options, run] { return GiveReply(invocation, run(invocation, *options)); };
  });
}

}  // namespace

void AddPin(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<PinOptions>();
  auto* pin = app.add_subcommand("pin", "Keep a backup whatever the retention settings say");
  pin->footer(
      "A pinned backup keeps the WAL that makes it consistent; with the settings' window it keeps all WAL after it. "
      "A restore holds its backup by itself, for pg_pitr.restore_hold after it has ended. A second pin replaces the "
      "first.");
  pin->add_option("--reason", options->reason, "Why, for those who come later")->type_name("TEXT");
  pin->add_option("--until", options->until, "When the pin ends by itself, such as '+2 weeks' (default: never)")
      ->type_name("TIME");
  SetRun(*pin, invocation, options, RunPin);
  auto* unpin = app.add_subcommand("unpin", "Let the retention settings decide about a backup again");
  SetRun(*unpin, invocation, std::make_shared<PinOptions>(), RunUnpin);
}

}  // namespace pitr::cli
