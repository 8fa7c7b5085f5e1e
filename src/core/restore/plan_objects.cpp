#include "core/restore/plan_objects.h"

#include "core/repo/backup_objects.h"

namespace pitr {

Status CheckBackupObjects(const Repository& repository, RestorePlan& plan, const OpContext& ctx) {
  const BackupManifest& backup = plan.backup;
  plan.objects_checked += backup.packs.size() + 1;
  plan.restore_bytes = backup.database_bytes;
  plan.fetch_bytes = backup.file_map_bytes + backup.map_page_bytes + backup.fetch_bytes;
  if (backup.fetch_bytes == 0)
    for (const PackEntry& pack : backup.packs) plan.fetch_bytes += pack.size_bytes;
  return RequireObjects(repository, backup,
                        "Restore from another backup with --backup LABEL; pg_pitr info lists them, and pg_pitr verify "
                        "--quick finds out which of them lack nothing.",
                        ctx);
}

}  // namespace pitr
