#include "core/verify/pack_frames.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "core/repo/file_map_parser.h"

namespace pitr {
namespace {

auto Order(const KnownFrame& frame) {
  return std::tuple(frame.pack, frame.offset, frame.stored_bytes, frame.plain_bytes);
}
auto Order(const KnownExtent& extent) {
  return std::tuple(extent.pack, extent.offset, extent.frame_offset, extent.length, extent.check);
}

template <class T>
void SortOnce(std::vector<T>& list) {
  std::sort(list.begin(), list.end(), [](const T& a, const T& b) { return Order(a) < Order(b); });
  list.erase(std::unique(list.begin(), list.end(), [](const T& a, const T& b) { return Order(a) == Order(b); }),
             list.end());
}

// A frame of the map that lies in one of the packs.
struct Numbered {
  uint32_t number;
  uint32_t pack;
  uint64_t offset;
};

Status CollectFrom(const Repository& repository, const CheckedPacks& table, uint32_t backup, size_t first, size_t end,
                   PackFrames& known, const OpContext& ctx) {
  const BackupManifest& manifest = *table.backups[backup].manifest;
  constexpr uint32_t kOther = UINT32_MAX;
  std::vector<uint32_t> pack_at(manifest.packs.size(), kOther);  // by position in the manifest
  for (size_t pack = first; pack < end; ++pack)
    for (const PackUser& user : table.packs[pack].users)
      if (user.backup == backup) pack_at[user.position] = static_cast<uint32_t>(pack);
  std::vector<Numbered> numbered;
  uint32_t number = 0;
  FileMapSink sink;
  sink.frame = [&](const MappedFrame& frame) {
    const uint32_t pack = frame.pack < pack_at.size() ? pack_at[frame.pack] : kOther;
    if (pack != kOther) {
      numbered.push_back({number, pack, frame.ref.offset});
      known.frames.push_back({pack, frame.ref.stored_bytes, frame.ref.plain_bytes, frame.ref.offset});
    }
    ++number;
    return Status::Ok();
  };
  sink.file = [&](MappedFile&& file) {
    for (const Extent& extent : file.extents) {
      const auto at = std::lower_bound(numbered.begin(), numbered.end(), extent.frame,
                                       [](const Numbered& a, uint32_t wanted) { return a.number < wanted; });
      if (extent.checked && at != numbered.end() && at->number == extent.frame)
        known.extents.push_back({at->pack, extent.frame_offset, at->offset, extent.length, extent.check});
    }
    return Status::Ok();
  };
  Status read = StreamFileMap(repository, manifest, std::move(sink), ctx);
  // It was there when the verification began: the backup has been deleted since.
  return read.code() == Code::kNotFound ? Status::Ok() : read;
}

}  // namespace

size_t EndOfWindow(const CheckedPacks& table, size_t first, uint64_t max_extents) {
  uint64_t extents = 0;
  size_t end = first;
  while (end < table.packs.size() && (end == first || extents + table.packs[end].extents <= max_extents))
    extents += table.packs[end++].extents;
  return end;
}

Result<PackFrames> CollectFrames(const Repository& repository, const CheckedPacks& table, size_t first, size_t end,
                                 const OpContext& ctx) {
  std::set<uint32_t> backups;
  for (size_t pack = first; pack < end; ++pack)
    for (const PackUser& user : table.packs[pack].users)
      if (table.backups[user.backup].mapped) backups.insert(user.backup);
  PackFrames known;
  for (uint32_t backup : backups) PITR_TRY(CollectFrom(repository, table, backup, first, end, known, ctx));
  SortOnce(known.frames);
  SortOnce(known.extents);
  return known;
}

std::vector<PackRead> PlanReads(const CheckedPacks& table, const PackFrames& known) {
  std::vector<PackRead> reads;
  for (size_t i = 0; i < known.frames.size(); ++i) {
    const KnownFrame& frame = known.frames[i];
    if (frame.offset + frame.stored_bytes > table.packs[frame.pack].stored.value_or(0)) continue;
    AddToReads(reads, i, frame.pack, {frame.offset, frame.stored_bytes, frame.plain_bytes});
  }
  return reads;
}

}  // namespace pitr
