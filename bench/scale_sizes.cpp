#include "bench/scale_sizes.h"

#include <unistd.h>

#include "bench/backed_up_tree.h"
#include "core/backup/data/file_stat.h"
#include "core/backup/merge.h"
#include "core/repo/backups/backup_catalog.h"
#include "core/repo/layout.h"
#include "core/repo/maps/file_map_writer.h"
#include "core/restore/backup_map.h"
#include "core/restore/restorer.h"

namespace pitr {
namespace {

constexpr uint64_t kFileBytes = uint64_t{1} << 30;
constexpr uint32_t kFrameBytes = 1U << 20;
constexpr uint32_t kStoredFrameBytes = 300000;
constexpr uint32_t kPieceBytes = kFrameBytes / 4;
constexpr uint64_t kFramesOfFile = kFileBytes / kFrameBytes;

// Of each relation one pack, all hole but for its size.
Status AddPacks(const CountedRepository& r, const BackedUpTree& cluster, uint64_t gigabytes, BackupManifest& manifest,
                std::vector<MappedFrame>& frames) {
  const auto first = static_cast<uint32_t>(manifest.packs.size());
  constexpr uint64_t kHead = 64;
  for (uint32_t i = 0; i < gigabytes; i++) {
    const PackEntry pack{layout::PackKey(manifest.label, first + i + 1), kHead + kFramesOfFile * kStoredFrameBytes};
    PITR_TRY(r.store->Create(pack.key, Bytes(1), r.ctx));
    const std::string path = cluster.directory() + "/" + pack.key;
    if (truncate(path.c_str(), static_cast<off_t>(pack.size_bytes)) != 0)
      return {Code::kInternal, "could not lengthen " + path};
    for (uint64_t frame = 0; frame < kFramesOfFile; frame++)
      frames.push_back({first + i, {kHead + frame * kStoredFrameBytes, kStoredFrameBytes, kFrameBytes}});
    manifest.packs.push_back(pack);
  }
  return Status::Ok();
}

// What the first backup would have known, had the files been as large as they are now.
Status GrowFirstBackup(const BackedUpTree& cluster, uint64_t gigabytes) {
  CountedRepository r;
  PITR_TRY(cluster.Open(r));
  const std::string label = cluster.LabelOf(1);
  PITR_ASSIGN(BackupManifest manifest, ReadManifest(*r.repository, label, r.ctx));
  PITR_ASSIGN(FileMap map, ReadFileMap(*r.repository, manifest, r.ctx));
  std::vector<std::string> old = {manifest.file_map_key, layout::BackupKey(label, layout::BackupObject::kManifest)};
  ForEachMapPage(manifest, [&](std::string key) { old.push_back(std::move(key)); });
  PITR_TRY(r.store->Delete(old, r.ctx));

  const auto first_frame = static_cast<uint32_t>(map.frames.size());
  PITR_TRY(AddPacks(r, cluster, gigabytes, manifest, map.frames));
  MapPageStore pages(*r.repository, label, manifest.packs, map.frames, 1, r.ctx);
  uint32_t grown = 0;
  for (MappedFile& file : map.files) {
    if (file.path == BackedUpTree::PathOf(grown)) {
      const std::string path = cluster.tree().root() + "/" + file.path;
      FileStat info;
      if (truncate(path.c_str(), kFileBytes) != 0 || !StatPath(path, r.clock, info))
        return {Code::kInternal, "could not lengthen " + path};
      TakeStat(info, file);
      file.extents.clear();
      for (uint64_t at = 0; at < kFileBytes; at += kPieceBytes) {
        const auto frame = first_frame + static_cast<uint32_t>(grown * kFramesOfFile + at / kFrameBytes);
        file.extents.push_back({at, kPieceBytes, frame, static_cast<uint32_t>(at % kFrameBytes), true, at});
      }
      manifest.database_bytes += kFileBytes;
      grown++;
    }
    pages.Add(std::move(file));
    if (pages.page_files() >= kPageFiles || pages.page_extents() >= kPageExtents) PITR_TRY(pages.EndPage());
  }
  if (grown != gigabytes) return {Code::kInternal, "not every file was found"};
  PITR_TRY(pages.EndPage());
  PITR_ASSIGN(std::vector<MapPage> stored, pages.Finish());
  PITR_ASSIGN(const StoredFileMap list,
              StoreMapList(*r.repository, label, std::move(stored), map.directories, map.links, r.ctx));
  list.EnterIn(manifest);
  return r.repository->CreateObject(ObjectKind::kManifest, old[1], AsBytes(EncodeManifest(manifest)), r.ctx);
}

// All that a restore wants to know before it writes.
Status ReadWholeMap(CountedRepository& r, const std::string& label) {
  PITR_ASSIGN(const BackupManifest manifest, ReadManifest(*r.repository, label, r.ctx));
  PITR_ASSIGN(const BackupMap map, BackupMap::Open(*r.repository, manifest, 4, kMapWindowBytes, r.ctx));
  return map.Visit([](const FileMap&) { return Status::Ok(); }, r.ctx);
}

}  // namespace

bool BenchSizes(uint64_t gigabytes) {
  BackedUpTree cluster;
  for (uint64_t file = 0; file < gigabytes; file++)
    if (!cluster.WritePage(file, 0).ok()) return false;
  const Measured made = MeasureQuietly("making the cluster", [&]() -> Status {
    {
      CountedRepository r;
      PITR_TRY(cluster.Open(r));
      PITR_TRY(cluster.Take(r, BackupType::kFull).status());
    }
    return GrowFirstBackup(cluster, gigabytes);
  });
  if (!made.ok) return false;
  cluster.Count();
  const std::string size = std::to_string(gigabytes);
  bool ok = cluster.Backup(size, "increment, nothing changed", BackupType::kIncr);
  ok &= cluster.WritePage(gigabytes / 2, kFileBytes / 2).ok();
  ok &= cluster.Backup(size, "increment, one block changed", BackupType::kIncr);
  const std::string newest = cluster.LabelOf(cluster.taken());
  ok &= cluster.LineOn(size, "merge", [&](CountedRepository& r) {
    return MergeBackup(*r.repository, {newest, "merged", "bench"}, r.ctx).status();
  });
  ok &= cluster.LineOn(size, "restore, reading the map once",
                       [&](CountedRepository& r) { return ReadWholeMap(r, newest); });
  ok &= cluster.LineOn(size, "verify --quick", VerifyQuickly);
  return ok;
}

}  // namespace pitr
