#include "core/backup/backup_removal.h"

#include <algorithm>
#include <set>
#include <vector>

#include "core/repo/layout.h"
#include "core/store/pending_uploads.h"

namespace pitr {
namespace {

constexpr int kUploadRounds = 100;  // of kMaxListPage uploads; more than a backup can leave

// `refused`: why the store does not list or abort them. The writers have aborted their own, if they could.
Status AbortUploads(ObjectStore& store, const std::string& prefix, Status* refused, const OpContext& ctx) {
  for (int round = 0; round < kUploadRounds && refused->ok(); round++) {
    PITR_ASSIGN(ListedUploads listed, ListUploadsIfAble(store, prefix, ctx));
    *refused = std::move(listed.refused);
    for (const PendingUpload& upload : listed.uploads) PITR_TRY(AbortUploadIfAble(store, upload, refused, ctx));
    if (listed.uploads.size() < kMaxListPage) break;
  }
  return Status::Ok();
}

// Packs, pages and partial maps. What somebody else has put there is not ours to delete (format.md, section 16).
Result<std::vector<std::string>> KeysUnder(ObjectStore& store, const std::string& prefix, const OpContext& ctx) {
  std::vector<std::string> keys;
  PITR_TRY(ListAll(store, prefix, ctx, [&](const ObjectInfo& object) -> Status {
    if (layout::IsDataKey(object.key) || layout::ParsePartialKey(object.key)) keys.push_back(object.key);
    return Status::Ok();
  }));
  return keys;
}

Status Delete(ObjectStore& store, const std::vector<std::string>& keys, const OpContext& ctx) {
  for (size_t from = 0; from < keys.size(); from += kMaxDeleteBatch) {
    const size_t count = std::min(kMaxDeleteBatch, keys.size() - from);
    PITR_TRY(store.Delete(
        {keys.begin() + static_cast<ptrdiff_t>(from), keys.begin() + static_cast<ptrdiff_t>(from + count)}, ctx));
  }
  return Status::Ok();
}

Status DeletePartialMaps(ObjectStore& store, const std::string& label, const OpContext& ctx) {
  PITR_ASSIGN(const std::vector<std::string> keys, KeysUnder(store, layout::PartialPrefix(label), ctx));
  return Delete(store, keys, ctx);
}

// Manifest, uploads and file map.
Status RemoveTop(const Repository& repository, const std::string& label, bool manifest_too, const OpContext& ctx) {
  ObjectStore& store = repository.store();
  if (manifest_too) PITR_TRY(store.Delete({layout::BackupKey(label, layout::BackupObject::kManifest)}, ctx));
  const std::string files_key = layout::BackupKey(label, layout::BackupObject::kFiles);
  Status refused;
  PITR_TRY(AbortUploads(store, std::string(layout::kBackupPrefix) + label + "/", &refused, ctx));
  PITR_TRY(AbortUploads(store, layout::DataPrefix(label), &refused, ctx));
  if (!refused.ok()) WarnOfUploadsLeft(refused, repository.log());
  return store.Delete({files_key}, ctx);
}

Status RemoveAll(const Repository& repository, const std::string& label, bool manifest_too, const OpContext& ctx) {
  ObjectStore& store = repository.store();
  PITR_TRY(RemoveTop(repository, label, manifest_too, ctx));
  PITR_TRY(DeletePartialMaps(store, label, ctx));
  PITR_ASSIGN(const std::vector<std::string> packs, KeysUnder(store, layout::DataPrefix(label), ctx));
  PITR_TRY(Delete(store, packs, ctx));
  return store.Delete({layout::BackupKey(label, layout::BackupObject::kStart)}, ctx);
}

Status RemoveUnrecorded(const Repository& repository, const std::string& label, bool manifest_too,
                        const OpContext& ctx) {
  ObjectStore& store = repository.store();
  PITR_TRY(RemoveTop(repository, label, manifest_too, ctx));
  std::set<std::string> recorded;
  PITR_ASSIGN(const std::vector<std::string> partials, KeysUnder(store, layout::PartialPrefix(label), ctx));
  for (const std::string& key : partials)
    if (const auto parts = layout::ParsePartialKey(key)) recorded.insert(layout::PackKey(label, parts->pack));
  PITR_ASSIGN(std::vector<std::string> packs, KeysUnder(store, layout::DataPrefix(label), ctx));
  std::erase_if(packs, [&](const std::string& key) { return recorded.contains(key); });
  return Delete(store, packs, ctx);
}

std::string Removing(const std::string& label) { return "removing unfinished backup \"" + label + "\""; }

}  // namespace

Status RemoveBackupObjects(const Repository& repository, const std::string& label, bool manifest_too,
                           const OpContext& ctx) {
  return RemoveAll(repository, label, manifest_too, ctx).Annotate(Removing(label));
}

Status RemoveUnrecordedObjects(const Repository& repository, const std::string& label, bool manifest_too,
                               const OpContext& ctx) {
  return RemoveUnrecorded(repository, label, manifest_too, ctx).Annotate(Removing(label));
}

Status RemovePartialMaps(const Repository& repository, const std::string& label, const OpContext& ctx) {
  return DeletePartialMaps(repository.store(), label, ctx)
      .Annotate("removing partial maps of backup \"" + label + "\"");
}

}  // namespace pitr
