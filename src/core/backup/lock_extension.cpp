#include "core/backup/lock_extension.h"

#include <algorithm>

#include "core/base/parallel_for.h"
#include "core/pg/wal_name.h"
#include "core/repo/layout.h"

namespace pitr {
namespace {

constexpr int kExtenders = 8;

bool RefersToItselfAlone(const BackupManifest& manifest) {
  return std::all_of(manifest.packs.begin(), manifest.packs.end(),
                     [&](const PackEntry& pack) { return layout::LabelOfPackKey(pack.key) == manifest.label; }) &&
         std::all_of(manifest.map_pages.begin(), manifest.map_pages.end(),
                     [&](const MapPageRun& run) { return run.label == manifest.label; });
}

}  // namespace

Status ExtendLocks(const Repository& repository, const BackupManifest& manifest, const OpContext& ctx) {
  ObjectStore& store = repository.store();
  const std::string key = layout::BackupKey(manifest.label, layout::BackupObject::kManifest);
  const auto own = store.GetLock(key, ctx);
  // What was locked when it was stored, a backup's length before, is worth no complaint where nobody may look.
  if (own.code() == Code::kPermission && RefersToItselfAlone(manifest)) return Status::Ok();
  if (!own.ok()) return own.status();
  if (!own.value()) return Status::Ok();
  std::vector<std::string> keys{manifest.file_map_key};
  ForEachDataObject(manifest, [&](std::string object) { keys.push_back(std::move(object)); });
  for (SegmentNo at = FirstSegment(manifest); at <= LastSegment(manifest); ++at.value)
    keys.push_back(layout::WalKey(SegmentFileName(manifest.timeline, at, repository.segment_size())));
  return ParallelFor(kExtenders, keys.size(), ctx, [&](size_t i, int) -> Status {
    Status extended = store.ExtendLock(keys[i], *own.value(), ctx);
    // It may be on the timeline of a standby that was promoted meanwhile; and what is missing is not for locks to say.
    return extended.code() == Code::kNotFound && layout::WalNameOfKey(keys[i]) ? Status::Ok() : extended;
  });
}

void ExtendLocksOrWarn(const Repository& repository, const BackupManifest& manifest, const OpContext& ctx) {
  const Status extended = ExtendLocks(repository, manifest, ctx);
  if (extended.ok()) return;
  repository.log().Warning("the locks of what backup \"" + manifest.label +
                           "\" needs, packs and WAL, could not all be made to last as long as its own; from their "
                           "end on it can be deleted: " +
                           extended.ToString());
}

}  // namespace pitr
