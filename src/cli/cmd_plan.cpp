// pg_pitr plan: where a recovery would end, from which backup, and whether everything it needs is there.
#include "cli/print.h"
#include "cli/reply.h"
#include "cli/session.h"
#include "cli/target_options.h"
#include "core/base/text_page.h"
#include "core/report/plan_report.h"
#include "core/restore/directory_home.h"
#include "core/restore/live_servers.h"
#include "core/restore/planner.h"

namespace pitr::cli {
namespace {

// What the original has written since the last segment that it archived is not in the plan.
void AddNoteOfOriginal(RestorePlan& plan) {
  if (plan.target.kind != TargetKind::kLatest) return;
  for (const LiveServer& server : OtherServersOfCluster(plan.backup.cluster.system_id, "/")) {
    if (server.control.timeline != plan.target_timeline || !IsAtHome(server.data_directory)) continue;
    plan.notes.push_back("A server of this cluster runs on this machine, in \"" + server.data_directory +
                         "\": what it has written since is reached after SELECT pg_switch_wal() there.");
  }
}

Result<Reply> RunPlan(const Invocation& invocation, const TargetOptions& target) {
  Session session(invocation);
  PITR_ASSIGN(const PlanRequest request, MakePlanRequest(target));
  PITR_ASSIGN(const auto repository, session.OpenRepository());
  PITR_ASSIGN(RestorePlan plan, MakePlan(*repository, request, true, session.ctx()));
  AddNoteOfOriginal(plan);
  const std::string& path = session.config_path();
  return Reply{AlignItems(DescribePlan(plan, path), 0, PageWidth()), PlanJson(plan, path), kExitOk, {}};
}

}  // namespace

void AddPlan(CLI::App& app, Invocation& invocation) {
  auto* verb = app.add_subcommand("plan", "Show exactly where a recovery would end, and prove that it can get there");
  verb->footer(
      "Finds the record at which PostgreSQL would stop, chooses the backup, checks that every WAL segment "
      "and every object of the backup is there, and prints the command that does it. Changes nothing.\n"
      "When the target cannot be reached it says why, and what can.\n\n"
      "Example: what was there just before 14:29?\n"
      "  pg_pitr plan --target-time '2026-05-22 14:29:00+02'");
  AddConfigOption(*verb, invocation);
  auto target = std::make_shared<TargetOptions>();
  AddTargetOptions(*verb, *target);
  AddPageOptions(*verb, invocation);
  verb->callback([&invocation, target] {
    invocation.run = [&invocation, target] { return GiveReply(invocation, RunPlan(invocation, *target)); };
  });
}

}  // namespace pitr::cli
