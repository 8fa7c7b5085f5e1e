#include "core/backup/lock_extension.h"

#include "core/base/parallel_for.h"
#include "core/repo/layout.h"

namespace pitr {
namespace {

constexpr int kExtenders = 8;

}  // namespace

Status ExtendLocks(const Repository& repository, const BackupManifest& manifest, const OpContext& ctx) {
  std::vector<std::string> packs;
  for (const PackEntry& pack : manifest.packs)
    if (layout::LabelOfPackKey(pack.key) != manifest.label) packs.push_back(pack.key);
  if (packs.empty()) return Status::Ok();
  const std::string key = layout::BackupKey(manifest.label, layout::BackupObject::kManifest);
  PITR_ASSIGN(const std::optional<ObjectLock> own, repository.store().GetLock(key, ctx));
  if (!own) return Status::Ok();
  return ParallelFor(kExtenders, packs.size(), ctx,
                     [&](size_t i, int) { return repository.store().ExtendLock(packs[i], *own, ctx); });
}

void ExtendLocksOrWarn(const Repository& repository, const BackupManifest& manifest, const OpContext& ctx) {
  const Status extended = ExtendLocks(repository, manifest, ctx);
  if (extended.ok()) return;
  repository.log().Warning("the locks of packs of earlier backups that backup \"" + manifest.label +
                           "\" refers to could not all be made to last as long as its own; from their end on the "
                           "packs can be deleted: " +
                           extended.ToString());
}

}  // namespace pitr
