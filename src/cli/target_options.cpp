#include "cli/target_options.h"

#include "cli/progress_line.h"
#include "core/restore/planner.h"
#include "core/verify/known_damage.h"

namespace pitr::cli {

void AddTargetOptions(CLI::App& verb, TargetOptions& options) {
  const std::string group = "Target (one of them; default: latest)";
  verb.add_option("--target-time", options.text.time,
                  "Stop before the first transaction that ended after this time, such as '2026-05-22 14:29:00+02', "
                  "'yesterday 18:50' or '15 min ago'; without a zone it is this machine's local time")
      ->type_name("TIME")
      ->group(group);
  verb.add_option("--target-xid", options.text.xid, "Stop after this transaction has committed (or rolled back)")
      ->type_name("XID")
      ->group(group);
  verb.add_option("--target-name", options.text.name, "Stop at the restore point that pg_create_restore_point() made")
      ->type_name("NAME")
      ->group(group);
  verb.add_option("--target-lsn", options.text.lsn, "Stop after the record at this WAL position, such as 16/B374D848")
      ->type_name("LSN")
      ->group(group);
  verb.add_flag("--target-immediate", options.text.immediate, "Stop as soon as the backup is consistent")->group(group);
  verb.add_flag("--target-latest", options.latest, "Recover everything that was archived")->group(group);
  verb.add_flag("--allow-gap", options.text.allow_gap,
                "With --target-latest: recover to the end before WAL that is missing, and leave what is behind it")
      ->group(group);
  const std::string how = "How";
  verb.add_flag("--target-exclusive", options.text.exclusive,
                "Stop just before the target instead of just after it (time, xid, lsn)")
      ->group(how);
  verb.add_option("--target-timeline", options.text.timeline,
                  "latest (default): the one that the target belongs to; current (the backup's), or a number")
      ->type_name("TLI")
      ->group(how);
  verb.add_option("--target-action", options.text.action,
                  "What the server does at the target: promote (default), pause or shutdown")
      ->type_name("ACTION")
      ->group(how);
  verb.add_option("--backup", options.backup, "Start from this backup instead of the best one")
      ->type_name("LABEL")
      ->group(how);
}

Result<PlanRequest> MakePlanRequest(const TargetOptions& options) {
  PlanRequest request;
  PITR_ASSIGN(request.target, ParseTarget(options.text));
  if (options.latest && request.target.kind != TargetKind::kLatest)
    return Status(Code::kInvalidArgument, "--target-latest contradicts the other target").WithHint("Give one of them.");
  request.backup_label = options.backup;
  return request;
}

Result<RestorePlan> MakePlan(const Repository& repository, PlanRequest request, bool show, const OpContext& ctx) {
  request.damage_of = KnownDamage(repository, ctx);
  if (!show) return MakeRestorePlan(repository, request, ctx);
  Progress progress;
  const ProgressLine line(progress, stderr, ProgressLine::Of::kPlan);
  request.progress = &progress;
  return MakeRestorePlan(repository, request, ctx);
}

}  // namespace pitr::cli
