#include "core/backup/backup_removal.h"

#include <vector>

#include "core/repo/layout.h"

namespace pitr {
namespace {

constexpr int kUploadRounds = 100;  // of kMaxListPage uploads; more than a backup can leave

Status AbortUploads(ObjectStore& store, const std::string& prefix, const OpContext& ctx) {
  for (int round = 0; round < kUploadRounds; round++) {
    PITR_ASSIGN(const std::vector<PendingUpload> uploads, store.ListUploads(prefix, ctx));
    for (const PendingUpload& upload : uploads) PITR_TRY(store.AbortUpload(upload.key, upload.upload_id, ctx));
    if (uploads.size() < kMaxListPage) break;
  }
  return Status::Ok();
}

Status DeletePacks(ObjectStore& store, const std::string& prefix, const OpContext& ctx) {
  std::vector<std::string> keys;
  PITR_TRY(ListAll(store, prefix, ctx, [&](const ObjectInfo& object) -> Status {
    keys.push_back(object.key);
    return Status::Ok();
  }));
  for (size_t from = 0; from < keys.size(); from += kMaxDeleteBatch) {
    const size_t count = std::min(kMaxDeleteBatch, keys.size() - from);
    PITR_TRY(store.Delete(
        {keys.begin() + static_cast<ptrdiff_t>(from), keys.begin() + static_cast<ptrdiff_t>(from + count)}, ctx));
  }
  return Status::Ok();
}

Status Remove(ObjectStore& store, const std::string& label, bool manifest_too, const OpContext& ctx) {
  if (manifest_too) PITR_TRY(store.Delete({layout::BackupKey(label, layout::BackupObject::kManifest)}, ctx));
  const std::string files_key = layout::BackupKey(label, layout::BackupObject::kFiles);
  PITR_TRY(AbortUploads(store, files_key, ctx));
  PITR_TRY(AbortUploads(store, layout::DataPrefix(label), ctx));
  PITR_TRY(store.Delete({files_key}, ctx));
  PITR_TRY(DeletePacks(store, layout::DataPrefix(label), ctx));
  return store.Delete({layout::BackupKey(label, layout::BackupObject::kStart)}, ctx);
}

}  // namespace

Status RemoveBackupObjects(const Repository& repository, const std::string& label, bool manifest_too,
                           const OpContext& ctx) {
  return Remove(repository.store(), label, manifest_too, ctx).Annotate("removing unfinished backup \"" + label + "\"");
}

}  // namespace pitr
