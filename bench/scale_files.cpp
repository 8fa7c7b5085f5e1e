#include "bench/scale_files.h"

#include "bench/backed_up_tree.h"
#include "core/restore/restorer.h"

namespace pitr {

bool BenchFiles(uint64_t files) {
  BackedUpTree cluster;
  for (uint64_t file = 0; file < files; file++)
    if (!cluster.WritePage(file, 0).ok()) return false;
  const std::string size = std::to_string(files);
  bool ok = cluster.Backup(size, "full backup", BackupType::kFull);
  ok &= cluster.Backup(size, "increment, nothing changed", BackupType::kIncr);
  ok &= cluster.WritePage(files / 2, 0).ok();
  ok &= cluster.Backup(size, "increment, one file changed", BackupType::kIncr);
  const auto restore = [&](CountedRepository& r, bool delta) -> Status {
    RestorePlan plan;
    PITR_ASSIGN(plan.backup, ReadManifest(*r.repository, cluster.LabelOf(cluster.taken()), r.ctx));
    plan.target.kind = TargetKind::kImmediate;
    RestoreOptions options;
    options.data_directory = cluster.tree().outside() + "/restored";
    options.mode = RecoveryMode::kNone;
    options.delta = delta;
    Progress progress;
    return RunRestore(*r.repository, plan, options, progress, r.ctx).status();
  };
  ok &= cluster.LineOn(size, "restore", [&](CountedRepository& r) { return restore(r, false); });
  ok &=
      cluster.LineOn(size, "restore --delta, nothing changed", [&](CountedRepository& r) { return restore(r, true); });
  ok &= cluster.LineOn(size, "verify --quick", VerifyQuickly);
  return ok;
}

}  // namespace pitr
