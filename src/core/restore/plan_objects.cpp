#include "core/restore/plan_objects.h"

#include "core/repo/backups/backup_objects.h"
#include "core/repo/layout.h"
#include "core/store/absence.h"

namespace pitr {
namespace {

// A backup that was listed when the plan was begun.
Result<bool> IsBeingDeleted(const Repository& repository, const std::string& label, const OpContext& ctx) {
  const auto there = [&](layout::BackupObject object) {
    return IsThere(repository.store(), layout::BackupKey(label, object), ctx);
  };
  PITR_ASSIGN(const bool marked, there(layout::BackupObject::kExpireMark));
  PITR_ASSIGN(const bool finished, there(layout::BackupObject::kManifest));
  return marked || !finished;
}

}  // namespace

Status CheckBackupObjects(const Repository& repository, RestorePlan& plan, const OpContext& ctx) {
  const BackupManifest& backup = plan.backup;
  plan.objects_checked += backup.packs.size() + 1;
  plan.restore_bytes = backup.database_bytes;
  plan.fetch_bytes = backup.file_map_bytes + backup.map_page_bytes + backup.fetch_bytes;
  if (backup.fetch_bytes == 0)
    for (const PackEntry& pack : backup.packs) plan.fetch_bytes += pack.size_bytes;
  Status whole = RequireObjects(repository, backup,
                                "Restore from another backup with --backup LABEL; pg_pitr info lists them, and pg_pitr "
                                "verify --quick finds out which of them lack nothing.",
                                ctx);
  if (whole.code() != Code::kCorruption) return whole;
  PITR_ASSIGN(const bool deleted, IsBeingDeleted(repository, backup.label, ctx));
  if (!deleted) return whole;
  return Status(Code::kNotFound, "backup \"" + backup.label + "\" is being deleted, or was: by an expiry")
      .WithDetail(whole.detail())
      .WithHint(whole.hint());
}

}  // namespace pitr
