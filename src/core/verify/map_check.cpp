#include "core/verify/map_check.h"

#include <algorithm>
#include <mutex>

#include "core/base/parallel_for.h"
#include "core/repo/file_map_parser.h"
#include "core/repo/layout.h"
#include "core/repo/partial_map.h"

namespace pitr {
namespace {

constexpr size_t kMaxStartBytes = size_t{1} << 20;

struct PackSums {
  uint64_t end = 0;  // of the last frame
  uint64_t extents = 0;
};

Status CheckSums(const BackupManifest& manifest, const std::vector<PackSums>& packs, uint64_t files) {
  if (files != manifest.file_count)
    return {Code::kCorruption,
            "it lists " + std::to_string(files) + " files, the manifest counts " + std::to_string(manifest.file_count)};
  for (size_t i = 0; i < packs.size(); ++i) {
    if (packs[i].end > manifest.packs[i].size_bytes)
      return {Code::kCorruption, "it has frames of \"" + manifest.packs[i].key + "\" beyond the " +
                                     std::to_string(manifest.packs[i].size_bytes) + " bytes of that pack"};
  }
  return Status::Ok();
}

// Reads the map once; every pack's end and number of extents.
Status ReadSums(const Repository& repository, const BackupManifest& manifest, std::vector<PackSums>& packs,
                const OpContext& ctx) {
  packs.assign(manifest.packs.size(), {});
  std::vector<uint32_t> pack_of_frame;
  uint64_t files = 0;
  FileMapSink sink;
  sink.frame = [&](const MappedFrame& frame) -> Status {
    if (frame.pack >= packs.size()) return {Code::kCorruption, "it names a pack that the manifest does not have"};
    packs[frame.pack].end = std::max(packs[frame.pack].end, frame.ref.offset + frame.ref.stored_bytes);
    pack_of_frame.push_back(frame.pack);
    return Status::Ok();
  };
  sink.file = [&](MappedFile&& file) {
    ++files;
    for (const Extent& extent : file.extents) ++packs[pack_of_frame[extent.frame]].extents;
    return Status::Ok();
  };
  PITR_TRY(StreamFileMap(repository, manifest, std::move(sink), ctx));
  const std::string key = layout::BackupKey(manifest.label, layout::BackupObject::kFiles);
  return CheckSums(manifest, packs, files).Annotate("object \"" + key + "\"");
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

Status CheckMap(const Repository& repository, const VerifyListing& listing, const BackupManifest& manifest, Status read,
                FindingList& findings, bool& mapped, const OpContext& ctx) {
  const auto listed = listing.file_maps.find(manifest.label);
  const bool right_size = listed != listing.file_maps.end() && listed->second == manifest.file_map_bytes;
  // Size 0: the manifest does not say.
  mapped = read.ok();
  if (read.ok() && (right_size || manifest.file_map_bytes == 0)) return Status::Ok();
  Finding finding;
  if (read.ok()) {
    finding.problem = "size";
    finding.object = manifest.file_map_key;
    finding.detail =
        "It has another size than the manifest says, which is " + std::to_string(manifest.file_map_bytes) + " bytes.";
  } else {
    PITR_ASSIGN(finding, FindingOf(repository.store(), manifest.file_map_key, std::move(read), ctx));
  }
  finding.labels = {manifest.label};
  finding.hurts =
      "Backup " + manifest.label + " cannot be restored: nothing else says which bytes belong to which file.";
  findings.Add(std::move(finding));
  return Status::Ok();
}

// One finding about a stretch of a pack, as seen from one file map.
struct Stretch {
  uint32_t pack;  // position in that manifest
  uint64_t begin;
  uint64_t end;
  Finding* finding;
  bool hit = false;  // the backup needs it
};

// A frame of the map that lies in a stretch.
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

Status NameFilesOf(const Repository& repository, const BackupManifest& manifest, std::vector<Stretch>& stretches,
                   const OpContext& ctx) {
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
  Status read = StreamFileMap(repository, manifest, std::move(sink), ctx);
  const bool deleted = read.code() == Code::kNotFound;  // since the verification began
  if (!deleted) PITR_TRY(std::move(read));
  for (Stretch& stretch : stretches)
    if (stretch.hit || deleted) stretch.finding->labels.push_back(manifest.label);
  return Status::Ok();
}

}  // namespace

Status CheckFileMaps(const Repository& repository, const VerifyListing& listing, int jobs, CheckedPacks& table,
                     FindingList& findings, const OpContext& ctx) {
  PITR_TRY(ParallelFor(jobs, listing.aside.size(), ctx,
                       [&](size_t index, int) { return CheckAside(repository, listing.aside[index], findings, ctx); }));
  std::mutex mutex;
  return ParallelFor(jobs, table.backups.size(), ctx, [&](size_t index, int) -> Status {
    TabledBackup& backup = table.backups[index];
    const BackupManifest& manifest = *backup.manifest;
    PITR_TRY(CheckStart(repository, manifest.label, findings, ctx));
    std::vector<PackSums> sums;
    Status read = ReadSums(repository, manifest, sums, ctx);
    PITR_TRY(CheckMap(repository, listing, manifest, std::move(read), findings, backup.mapped, ctx));
    if (!backup.mapped) return Status::Ok();
    std::lock_guard lock(mutex);
    for (size_t i = 0; i < sums.size(); ++i)
      if (TabledPack* pack = table.Find(manifest.packs[i].key)) pack->extents += sums[i].extents;
    return Status::Ok();
  });
}

Status NameFiles(const Repository& repository, const CheckedPacks& table, std::vector<Finding>& findings,
                 const OpContext& ctx) {
  std::vector<std::vector<Stretch>> stretches(table.backups.size());
  for (Finding& finding : findings) {
    const TabledPack* pack = table.Find(finding.object);
    if (pack == nullptr || finding.severity == Severity::kWarning) continue;
    // A backup is not restored at all when a pack is not there as its manifest says.
    const bool refused = finding.problem == "missing" || finding.problem == "size";
    finding.labels.clear();
    finding.files.clear();
    finding.file_count = 0;
    for (const PackUser& user : pack->users) {
      const TabledBackup& backup = table.backups[user.backup];
      if (backup.mapped) {
        const uint64_t end = finding.end == 0 ? UINT64_MAX : finding.end;
        stretches[user.backup].push_back({user.position, finding.begin, end, &finding, refused});
      } else {
        finding.labels.push_back(backup.manifest->label);
      }
    }
  }
  for (size_t i = 0; i < stretches.size(); ++i)
    if (!stretches[i].empty()) PITR_TRY(NameFilesOf(repository, *table.backups[i].manifest, stretches[i], ctx));
  for (Finding& finding : findings) std::sort(finding.labels.begin(), finding.labels.end());
  return Status::Ok();
}

}  // namespace pitr
