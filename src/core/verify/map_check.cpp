#include "core/verify/map_check.h"

#include <algorithm>
#include <map>
#include <mutex>

#include "core/base/parallel_for.h"
#include "core/repo/layout.h"
#include "core/repo/maps/partial_map.h"
#include "core/verify/pack_frames.h"

namespace pitr {
namespace {

constexpr size_t kMaxStartBytes = size_t{1} << 20;

// The list of a backup's pages, which agrees with the manifest.
Result<MapPageList> ReadList(const Repository& repository, const BackupManifest& manifest, const OpContext& ctx) {
  PITR_ASSIGN(MapPageList list, ReadMapPages(repository, manifest, ctx));
  uint64_t files = 0;
  for (const MapPage& page : list.pages) files += page.files;
  if (files == manifest.file_count) return list;
  return Status(Code::kCorruption, "object \"" + layout::BackupKey(manifest.label, layout::BackupObject::kFiles) +
                                       "\" lists " + std::to_string(files) + " files, the manifest counts " +
                                       std::to_string(manifest.file_count));
}

// Takes what a backup's list says of its pages; what another list has said before must be the same.
Status TakeList(const BackupManifest& manifest, MapPageList&& list, CheckedPacks& table) {
  for (MapPage& page : list.pages) {
    for (uint32_t& pack : page.packs)
      pack = static_cast<uint32_t>(table.Find(manifest.packs[pack].key) - table.packs.data());
    TabledPage* tabled = table.FindPage(page.label, page.number);
    if (!tabled->listed) {
      tabled->page = std::move(page);
      tabled->listed = true;
    } else if (tabled->page.sha256 != page.sha256 || tabled->page.stored_bytes != page.stored_bytes ||
               tabled->page.packs != page.packs || tabled->page.files != page.files ||
               tabled->page.first_path != page.first_path) {
      return {Code::kCorruption, "object \"" + manifest.file_map_key + "\" says of \"" + tabled->page.key() +
                                     "\" something else than the file map of another backup does"};
    }
  }
  return Status::Ok();
}

// Reads the page once: adds up the extents in each pack, in the order of page.page.packs.
Status ReadPage(const Repository& repository, const CheckedPacks& table, const TabledPage& page,
                std::vector<uint64_t>& extents, const OpContext& ctx) {
  const std::vector<uint32_t>& packs = page.page.packs;
  extents.assign(packs.size(), 0);
  std::vector<uint32_t> pack_of_frame;  // index in `packs`
  FileMapSink sink;
  sink.frame = [&](const MappedFrame& frame) -> Status {
    const TabledPack& pack = table.packs[frame.pack];
    if (frame.ref.offset + frame.ref.stored_bytes > pack.size)
      return {Code::kCorruption,
              "it has frames of \"" + pack.key + "\" beyond the " + std::to_string(pack.size) + " bytes of that pack"};
    const auto at = std::find(packs.begin(), packs.end(), frame.pack);
    pack_of_frame.push_back(static_cast<uint32_t>(at - packs.begin()));
    return Status::Ok();
  };
  sink.file = [&](MappedFile&& file) {
    for (const Extent& extent : file.extents) ++extents[pack_of_frame[extent.frame]];
    return Status::Ok();
  };
  return StreamTabledPage(repository, table, page, std::move(sink), ctx);
}

Status CheckStart(const Repository& repository, const std::string& label, FindingList& findings, const OpContext& ctx) {
  const std::string key = layout::BackupKey(label, layout::BackupObject::kStart);
  auto read = repository.ReadObject(ObjectKind::kBackupStart, key, kMaxStartBytes, ctx);
  if (read.ok() || read.code() == Code::kNotFound) return Status::Ok();  // the listing says that it is missing
  PITR_ASSIGN(Finding finding, FindingOf(repository.store(), key, read.status(), ctx));
  finding.labels = {label};
  finding.hurts = "Nothing: the backup can be restored.";
  findings.Add(std::move(finding));
  return Status::Ok();
}

Status ReadAside(const Repository& repository, const SideObject& object, const OpContext& ctx) {
  if (object.kind == ObjectKind::kProof) return ReadRecord(repository, object.key, ctx).status();
  if (object.kind != ObjectKind::kPartialMap)
    return repository.ReadObject(object.kind, object.key, kMaxStartBytes, ctx).status();
  const auto partial = layout::ParsePartialKey(object.key);
  return ReadPartialMap(repository, partial->label, partial->pack, ctx).status();
}

// A damaged pin or mark is damage all the same: what it says about a backup has to be said again.
Status CheckAside(const Repository& repository, const SideObject& object, FindingList& findings, const OpContext& ctx) {
  const Status read = ReadAside(repository, object, ctx);
  if (read.ok() || read.code() == Code::kNotFound) return Status::Ok();  // removed since it was listed
  PITR_ASSIGN(Finding finding, FindingOf(repository.store(), object.key, read, ctx));
  switch (object.kind) {
    case ObjectKind::kBackupPin:
      finding.hurts = "No recovery. A pin that cannot be read keeps its backup until it is removed.";
      finding.hint = "Unpin the backup, and pin it again if it is to be kept.";
      break;
    case ObjectKind::kExpireMark:
      finding.hurts = "No recovery. The mark says that the backup is being deleted, whatever is in it.";
      finding.hint = "pg_pitr expire finishes what was begun.";
      break;
    case ObjectKind::kAloneMark:
      finding.severity = Severity::kWarning;
      finding.hurts = "No recovery. The mark says that WAL after the backup's stop was deleted, whatever is in it.";
      finding.hint = "Nothing has to be done: it goes with the backup.";
      break;
    case ObjectKind::kRestoreHold:
      finding.severity = Severity::kWarning;
      finding.hurts = "No recovery. A hold that cannot be read keeps its backup for 25 days.";
      finding.hint = "Nothing has to be done: an expiry removes it when it has ended.";
      break;
    case ObjectKind::kTimelineAside:
      finding.severity = Severity::kWarning;
      finding.hurts = "No recovery. What it says is not used: what was said of the timeline before it counts.";
      finding.hint = "Say again whether the timeline is set aside: pg_pitr timeline set-aside, or take-back.";
      break;
    case ObjectKind::kTimelineNumber:
      finding.severity = Severity::kWarning;
      finding.hurts = "No recovery. The number counts as taken by its key alone.";
      finding.hint = "Nothing has to be done.";
      break;
    case ObjectKind::kBackupFailure:
      finding.severity = Severity::kWarning;
      finding.hurts = "No recovery. Why that backup failed is not known any more; the server's log may say it.";
      finding.hint = "Delete the object, unless a newer pg_pitr has written it.";
      break;
    case ObjectKind::kWalSeal:
      finding.severity = Severity::kWarning;
      finding.hurts = "No recovery. The WAL segments that it speaks of are listed instead.";
      finding.hint = "Delete the object: an expiry makes it again.";
      break;
    case ObjectKind::kPartialMap:
      finding.severity = Severity::kWarning;
      finding.hurts = "No recovery. The next full backup sends what is in that pack again.";
      finding.hint = "pg_pitr expire removes it with what is left of the backup.";
      break;
    default:
      finding.severity = Severity::kWarning;
      finding.hurts = "No recovery. What that verification found is not known any more.";
      finding.hint = "Delete the object, unless a newer pg_pitr has written it.";
  }
  findings.Add(std::move(finding));
  return Status::Ok();
}

// What reading a list or a page has shown; whether it may be used. `wanted`: its stored size, which it has or has not.
Result<bool> IsSound(const Repository& repository, const std::string& key, uint64_t wanted, bool has_size, Status read,
                     std::vector<std::string> labels, FindingList& findings, const OpContext& ctx) {
  if (read.ok() && has_size) return true;
  Finding finding;
  const bool readable = read.ok();
  if (readable) {
    finding.problem = "size";
    finding.object = key;
    finding.detail = "It has another size than is said of it, which is " + std::to_string(wanted) + " bytes.";
  } else {
    PITR_ASSIGN(finding, FindingOf(repository.store(), key, std::move(read), ctx));
  }
  finding.hurts = (labels.size() == 1 ? "Backup " + labels.front() : std::string("The backups that have it")) +
                  " cannot be restored: nothing else says which bytes belong to which file.";
  finding.labels = std::move(labels);
  findings.Add(std::move(finding));
  return readable;
}

// One finding about a stretch of a pack, as seen from one page.
struct Stretch {
  uint32_t pack;  // index in the table
  uint64_t begin;
  uint64_t end;
  Finding* finding;
  bool hit = false;  // files of the page need it
};

// A frame of the page that lies in a stretch.
struct BadFrame {
  uint32_t number;
  size_t stretch;
};

void NameFile(const MappedFile& file, const std::vector<BadFrame>& frames, std::vector<Stretch>& stretches) {
  std::vector<size_t> hit;
  for (const Extent& extent : file.extents) {
    auto at = std::lower_bound(frames.begin(), frames.end(), extent.frame,
                               [](const BadFrame& frame, uint32_t number) { return frame.number < number; });
    for (; at != frames.end() && at->number == extent.frame; ++at)
      if (std::find(hit.begin(), hit.end(), at->stretch) == hit.end()) hit.push_back(at->stretch);
  }
  for (size_t index : hit) {
    stretches[index].hit = true;
    Finding& finding = *stretches[index].finding;
    // Increments list the same file again.
    if (std::find(finding.files.begin(), finding.files.end(), file.path) != finding.files.end()) continue;
    ++finding.file_count;
    if (finding.files.size() < kMaxFilesNamed) finding.files.push_back(file.path);
  }
}

Status NameFilesOf(const Repository& repository, const CheckedPacks& table, const TabledPage& page,
                   std::vector<Stretch>& stretches, const OpContext& ctx) {
  std::vector<BadFrame> bad;
  uint32_t number = 0;
  FileMapSink sink;
  sink.frame = [&](const MappedFrame& frame) {
    for (size_t i = 0; i < stretches.size(); ++i) {
      const Stretch& stretch = stretches[i];
      if (frame.pack == stretch.pack && frame.ref.offset < stretch.end &&
          frame.ref.offset + frame.ref.stored_bytes > stretch.begin)
        bad.push_back({number, i});
    }
    ++number;
    return Status::Ok();
  };
  sink.file = [&](MappedFile&& file) {
    NameFile(file, bad, stretches);
    return Status::Ok();
  };
  Status read = StreamTabledPage(repository, table, page, std::move(sink), ctx);
  const bool deleted = read.code() == Code::kNotFound;  // since the verification began
  if (!deleted) PITR_TRY(std::move(read));
  for (Stretch& stretch : stretches) {
    if (!stretch.hit && !deleted) continue;
    for (const uint32_t backup : page.backups) stretch.finding->labels.push_back(table.backups[backup].manifest->label);
  }
  return Status::Ok();
}

Status CheckLists(const Repository& repository, const VerifyListing& listing, int jobs, CheckedPacks& table,
                  FindingList& findings, const OpContext& ctx) {
  std::mutex mutex;
  return ParallelFor(jobs, table.backups.size(), ctx, [&](size_t index, int) -> Status {
    TabledBackup& backup = table.backups[index];
    const BackupManifest& manifest = *backup.manifest;
    PITR_TRY(CheckStart(repository, manifest.label, findings, ctx));
    auto list = ReadList(repository, manifest, ctx);
    Status read = list.status();
    if (read.ok()) {
      std::lock_guard lock(mutex);
      read = TakeList(manifest, std::move(list).value(), table);
    }
    const auto listed = listing.file_maps.find(manifest.label);
    const bool has_size = listed != listing.file_maps.end() && listed->second == manifest.file_map_bytes;
    PITR_ASSIGN(backup.mapped, IsSound(repository, manifest.file_map_key, manifest.file_map_bytes, has_size,
                                       std::move(read), {manifest.label}, findings, ctx));
    return Status::Ok();
  });
}

Status CheckPages(const Repository& repository, int jobs, CheckedPacks& table, FindingList& findings,
                  const OpContext& ctx) {
  std::mutex mutex;
  return ParallelFor(jobs, table.pages.size(), ctx, [&](size_t index, int) -> Status {
    TabledPage& page = table.pages[index];
    if (!page.listed) return Status::Ok();
    std::vector<std::string> labels;
    for (const uint32_t backup : page.backups) labels.push_back(table.backups[backup].manifest->label);
    std::vector<uint64_t> extents;
    Status read = ReadPage(repository, table, page, extents, ctx);
    PITR_ASSIGN(page.mapped,
                IsSound(repository, page.page.key(), page.page.stored_bytes, page.stored == page.page.stored_bytes,
                        std::move(read), std::move(labels), findings, ctx));
    std::lock_guard lock(mutex);
    for (size_t i = 0; page.mapped && i < extents.size(); ++i) table.packs[page.page.packs[i]].extents += extents[i];
    for (const uint32_t backup : page.backups) table.backups[backup].mapped &= page.mapped;
    return Status::Ok();
  });
}

}  // namespace

Status CheckFileMaps(const Repository& repository, const VerifyListing& listing, int jobs, CheckedPacks& table,
                     FindingList& findings, const OpContext& ctx) {
  PITR_TRY(ParallelFor(jobs, listing.aside.size(), ctx,
                       [&](size_t index, int) { return CheckAside(repository, listing.aside[index], findings, ctx); }));
  PITR_TRY(CheckLists(repository, listing, jobs, table, findings, ctx));
  return CheckPages(repository, jobs, table, findings, ctx);
}

Status NameFiles(const Repository& repository, const CheckedPacks& table, std::vector<Finding>& findings,
                 const OpContext& ctx) {
  std::map<uint32_t, std::vector<Finding*>> bad;  // by pack
  for (Finding& finding : findings) {
    const TabledPack* pack = table.Find(finding.object);
    if (pack == nullptr || finding.severity == Severity::kWarning) continue;
    // A backup is not restored at all when a pack is not there as its manifest says.
    const bool refused = finding.problem == "missing" || finding.problem == "size";
    finding.labels.clear();
    finding.files.clear();
    finding.file_count = 0;
    for (const PackUser& user : pack->users)
      if (refused || !table.backups[user.backup].mapped)
        finding.labels.push_back(table.backups[user.backup].manifest->label);
    bad[static_cast<uint32_t>(pack - table.packs.data())].push_back(&finding);
  }
  for (const TabledPage& page : table.pages) {
    std::vector<Stretch> stretches;
    for (const uint32_t pack : page.page.packs)
      if (const auto of_pack = bad.find(pack); page.mapped && of_pack != bad.end())
        for (Finding* finding : of_pack->second)
          stretches.push_back({pack, finding->begin, finding->end == 0 ? UINT64_MAX : finding->end, finding});
    if (!stretches.empty()) PITR_TRY(NameFilesOf(repository, table, page, stretches, ctx));
  }
  for (Finding& finding : findings) {
    std::sort(finding.labels.begin(), finding.labels.end());
    finding.labels.erase(std::unique(finding.labels.begin(), finding.labels.end()), finding.labels.end());
  }
  return Status::Ok();
}

}  // namespace pitr
