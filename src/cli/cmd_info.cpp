// pg_pitr info: what the repository holds and how far back and forward it reaches.
#include "cli/print.h"
#include "cli/reply.h"
#include "cli/session.h"
#include "core/report/info_report.h"

namespace pitr::cli {
namespace {

Result<Reply> RunInfo(const Invocation& invocation) {
  Session session(invocation);
  PITR_ASSIGN(const auto repository, session.OpenRepository());
  PITR_ASSIGN(const RepositoryInfo report, LoadRepositoryInfo(*repository, {}, session.ctx()));
  return Reply{InfoText(report, PageWidth()), InfoJson(report), kExitOk, {}};
}

}  // namespace

void AddInfo(CLI::App& app, Invocation& invocation) {
  auto* verb = app.add_subcommand("info", "Show backups, archived WAL and how far back and forward a recovery can go");
  verb->footer(
      "Reads the repository only; nothing is changed and the server need not run.\n"
      "A gap in the archive is a wall: recovery from a backup before it cannot get past it.\n\n"
      "Example:\n  pg_pitr info --config /etc/pg_pitr.conf");
  AddConfigOption(*verb, invocation);
  AddPageOptions(*verb, invocation);
  verb->callback(
      [&invocation] { invocation.run = [&invocation] { return GiveReply(invocation, RunInfo(invocation)); }; });
}

}  // namespace pitr::cli
