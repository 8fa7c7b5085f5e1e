// pg_pitr check: whether settings, store, keys, backups and archive would do when they are needed.
#include "cli/exit_code.h"
#include "cli/print.h"
#include "cli/session.h"
#include "core/report/store_check.h"

namespace pitr::cli {
namespace {

struct CheckOptions {
  std::string data_directory;
  bool json = false;
};

Result<bool> RunCheck(const Invocation& invocation, const CheckOptions& options) {
  Session session(invocation);
  PITR_ASSIGN(const Config config, LoadConfig(session.config_path(), SettingsFor::kReading, NullLog()));
  std::vector<CheckRow> rows = CheckSettingsFile(session.config_path());
  for (CheckRow& row : CheckRepository(config, {}, session.log(), session.ctx())) rows.push_back(std::move(row));
  if (!options.data_directory.empty())
    for (CheckRow& row : CheckDataDirectory(config, options.data_directory, session.log(), session.ctx()))
      rows.push_back(std::move(row));
  PITR_TRY(session.ctx().Check());
  if (options.json)
    PrintJson(CheckJson(rows));
  else
    PrintText(CheckText(rows));
  return AllPassed(rows);
}

}  // namespace

void AddCheck(CLI::App& app, Invocation& invocation) {
  auto* verb = app.add_subcommand(
      "check", "Prove that the settings, the store and the repository would do when they are needed");
  verb->footer(
      "Tries everything that backups and restores rely on: creating, never replacing, reading, listing, uploading in "
      "parts,\n"
      "deleting (with small objects under probe/, which it removes), the passphrase, the backups and the archive.\n"
      "Exit code 1 when something failed. With --pgdata it also looks whether that data directory belongs to this "
      "repository.\n"
      "SELECT * FROM pitr_check() in the server checks the server's side, too.");
  AddConfigOption(*verb, invocation);
  auto options = std::make_shared<CheckOptions>();
  verb->add_option("-D,--pgdata", options->data_directory, "Also check this data directory")->type_name("DIR");
  verb->add_flag("--json", options->json, "Print one JSON object instead of a page");
  verb->callback([&invocation, options] {
    invocation.run = [&invocation, options] { return ExitOf(RunCheck(invocation, *options)); };
  });
}

}  // namespace pitr::cli
