#include "core/backup/merge.h"

#include "core/backup/backup_removal.h"
#include "core/backup/lock_extension.h"
#include "core/backup/reserved_label.h"
#include "core/base/version.h"
#include "core/repo/backups/backup_catalog.h"
#include "core/repo/backups/backup_objects.h"
#include "core/repo/backups/backup_remarks.h"
#include "core/repo/backups/expire_mark.h"
#include "core/repo/layout.h"
#include "core/repo/maps/file_map_parser.h"
#include "core/repo/maps/file_map_writer.h"
#include "core/repo/opening/repository_watch.h"

namespace pitr {
namespace {

constexpr const char* kIncompleteHint = "Take a full backup of the server.";

// A list of its own, of the same pages.
Result<StoredFileMap> StoreList(const Repository& repository, const BackupManifest& from, const std::string& to,
                                const OpContext& ctx) {
  PITR_ASSIGN(MapPageList list, ReadMapPages(repository, from, ctx));
  return StoreMapList(repository, to, std::move(list.pages), list.directories, list.links, ctx);
}

Status StoreManifest(const Repository& repository, const BackupManifest& manifest, const OpContext& ctx) {
  PITR_TRY(RequireObjects(repository, manifest, kIncompleteHint, ctx));
  PITR_TRY(CheckIdentity(repository, /*keys=*/true, ctx));
  const std::string text = EncodeManifest(manifest);
  PITR_TRY(repository.CreateObject(
      ObjectKind::kManifest, layout::BackupKey(manifest.label, layout::BackupObject::kManifest), AsBytes(text), ctx));
  PITR_TRY(CheckNotExpiring(repository, manifest.label, layout::BackupObject::kStart, ctx));
  ExtendLocksOrWarn(repository, manifest, ctx);
  return Status::Ok();
}

// A full backup says nothing of how the increments that it was made of found what had changed.
Status RefuseDoubted(const Repository& repository, const BackupManifest& source, const OpContext& ctx) {
  PITR_ASSIGN(const BackupCatalog catalog, BackupCatalog::Load(repository, ctx));
  const std::string doubt = DescribePageLsnDoubt(catalog, source);
  if (doubt.empty()) return Status::Ok();
  return Status(Code::kConflict, "backup \"" + source.label + "\" is not merged: " + doubt).WithHint(kIncompleteHint);
}

}  // namespace

Result<BackupManifest> MergeBackup(const Repository& repository, const MergeOptions& options, const OpContext& ctx) {
  auto read = ReadManifest(repository, options.source, ctx);
  if (read.code() == Code::kNotFound) return NoSuchBackup(options.source);
  if (!read.ok()) return UnreadableBackup(options.source, std::move(read).status());
  const BackupManifest& source = read.value();
  BackupManifest manifest = source;
  if (manifest.type == BackupType::kFull)
    return Status(Code::kInvalidArgument, "backup \"" + options.source + "\" is a full backup already");
  PITR_TRY(RequireObjects(repository, manifest, kIncompleteHint, ctx));
  PITR_TRY(RefuseDoubted(repository, manifest, ctx));
  BackupOptions reserve;
  reserve.label = options.label;
  reserve.started_by = options.started_by;
  PITR_ASSIGN(const std::string label, ReserveLabel(repository, reserve, {options.source, {}}, ctx));
  manifest.label = label;
  manifest.type = BackupType::kFull;
  manifest.parent_label.clear();
  manifest.chain_length = 1;
  manifest.change_origin.reset();
  manifest.tool_version = kToolVersion;
  manifest.annotations["merged from"] = options.source;
  const auto store = [&]() -> Status {
    PITR_ASSIGN(const StoredFileMap map, StoreList(repository, source, label, ctx));
    map.EnterIn(manifest);
    manifest.stored_bytes = map.added_bytes;
    return StoreManifest(repository, manifest, ctx);
  };
  Status stored = store();
  if (stored.ok()) return manifest;
  // Whether the manifest was created may be unknown; a cancelled caller's token must not stop the cleaning up.
  const Status removed = RemoveBackupObjects(repository, label, /*manifest_too=*/true, OpContext::WithTimeout(10000));
  if (!removed.ok()) repository.log().Warning(removed.ToString());
  return stored;
}

}  // namespace pitr
