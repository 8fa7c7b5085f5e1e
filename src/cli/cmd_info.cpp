// pg_pitr info: what the repository holds and how far back and forward it reaches.
#include "cli/exit_code.h"
#include "cli/print.h"
#include "cli/session.h"
#include "core/report/info_report.h"

namespace pitr::cli {
namespace {

Status RunInfo(const Invocation& invocation, bool json) {
  Session session(invocation);
  PITR_ASSIGN(const auto repository, session.OpenRepository());
  PITR_ASSIGN(InfoReport report, LoadInfoReport(*repository, {}, session.ctx()));
  if (json)
    PrintJson(InfoJson(report));
  else
    PrintText(InfoText(report));
  return Status::Ok();
}

}  // namespace

void AddInfo(CLI::App& app, Invocation& invocation) {
  auto* verb = app.add_subcommand("info", "Show backups, archived WAL and how far back and forward a recovery can go");
  verb->footer(
      "Reads the repository only; nothing is changed and the server need not run.\n"
      "A gap in the archive is a wall: recovery from a backup before it cannot get past it.\n\n"
      "Example:\n  pg_pitr info --config /etc/pg_pitr.conf");
  AddConfigOption(*verb, invocation);
  auto json = std::make_shared<bool>(false);
  verb->add_flag("--json", *json, "Print one JSON object instead of a page");
  verb->callback(
      [&invocation, json] { invocation.run = [&invocation, json] { return ExitOf(RunInfo(invocation, *json)); }; });
}

}  // namespace pitr::cli
