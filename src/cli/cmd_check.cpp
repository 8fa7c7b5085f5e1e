// pg_pitr check: whether settings, store, keys, backups and archive would do when they are needed.
#include "cli/print.h"
#include "cli/reply.h"
#include "cli/session.h"
#include "core/report/check_report.h"
#include "core/survey/repository_check.h"

namespace pitr::cli {
namespace {

Result<Reply> RunCheck(const Invocation& invocation, const std::string& data_directory) {
  Session session(invocation);
  PITR_ASSIGN(const Config config, LoadConfig(session.config_path(), SettingsFor::kReading, NullLog()));
  std::vector<CheckRow> rows = CheckSettingsFile(session.config_path());
  for (CheckRow& row : CheckRepository(config, {}, session.log(), session.ctx())) rows.push_back(std::move(row));
  if (!data_directory.empty())
    for (CheckRow& row : CheckDataDirectory(config, data_directory, session.log(), session.ctx()))
      rows.push_back(std::move(row));
  PITR_TRY(session.ctx().Check());
  return Reply{CheckText(rows, PageWidth()), CheckJson(rows), AllPassed(rows) ? kExitOk : kExitFailed, {}};
}

}  // namespace

void AddCheck(CLI::App& app, Invocation& invocation) {
  auto* verb = app.add_subcommand(
      "check", "Prove that the settings, the store and the repository would do when they are needed");
  verb->footer(
      "Tries everything that backups and restores rely on: creating, never replacing, reading, listing, uploading in "
      "parts, deleting (with small objects under probe/, which it removes), the passphrase, the backups and the "
      "archive. Exit code 1 when something failed. With --pgdata it also looks whether that data directory belongs "
      "to this repository.\n"
      "SELECT * FROM pitr_check() in the server checks the server's side, too.");
  AddConfigOption(*verb, invocation);
  auto data_directory = std::make_shared<std::string>();
  verb->add_option("-D,--pgdata", *data_directory, "Also check this data directory")->type_name("DIR");
  AddPageOptions(*verb, invocation);
  verb->callback([&invocation, data_directory] {
    invocation.run = [&invocation, data_directory] {
      return GiveReply(invocation, RunCheck(invocation, *data_directory));
    };
  });
}

}  // namespace pitr::cli
