#include "core/restore/plan_objects.h"

#include "core/repo/backup_objects.h"

namespace pitr {

Status CheckBackupObjects(const Repository& repository, RestorePlan& plan, const OpContext& ctx) {
  const BackupManifest& backup = plan.backup;
  PITR_ASSIGN(const std::vector<std::string> problems, FindMissingObjects(repository, backup, ctx));
  plan.objects_checked += backup.packs.size() + 1;
  plan.restore_bytes = backup.database_bytes;
  plan.fetch_bytes = backup.file_map_bytes + backup.fetch_bytes;
  if (backup.fetch_bytes == 0)
    for (const PackEntry& pack : backup.packs) plan.fetch_bytes += pack.size_bytes;
  if (problems.empty()) return Status::Ok();
  return Status(Code::kCorruption, "backup \"" + backup.label + "\" is incomplete in the repository")
      .WithDetail(ListProblems(problems) + ".")
      .WithHint("Restore from an older backup with --backup LABEL; pg_pitr info lists them.");
}

}  // namespace pitr
