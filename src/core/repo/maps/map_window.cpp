// Pages are read side by side and joined in order: each has its own numbers of frames, and neighbours share some.
#include "core/repo/maps/map_window.h"

#include <algorithm>
#include <cassert>
#include <numeric>

#include "core/base/parallel_for.h"
#include "core/repo/maps/file_map_parser.h"

namespace pitr {
namespace {

// What `map` takes in memory, about.
size_t HeldBytes(const FileMap& map) {
  size_t bytes = map.frames.size() * sizeof(MappedFrame);
  for (const MappedFile& file : map.files)
    bytes += sizeof(MappedFile) + file.path.capacity() + file.extents.capacity() * sizeof(Extent);
  return bytes;
}

// `next`: where the next page begins; null: this is the last.
Result<FileMap> ReadPage(const Repository& repository, const std::vector<PackEntry>& packs, const MapPage& page,
                         const std::string* next, const OpContext& ctx) {
  FileMap map;
  FileMapSink sink;
  sink.frame = [&](const MappedFrame& frame) {
    map.frames.push_back(frame);
    return Status::Ok();
  };
  sink.file = [&](MappedFile&& file) -> Status {
    if (next != nullptr && file.path >= *next)
      return {Code::kCorruption, "object \"" + page.key() + "\" has files of the next page of the file map"};
    file.extents.shrink_to_fit();
    map.files.push_back(std::move(file));
    return Status::Ok();
  };
  PITR_TRY(StreamMapPage(repository, packs, page, std::move(sink), ctx));
  return map;
}

Status Append(FileMap&& page, FileMap& map) {
  const size_t frames = map.frames.size();
  if (page.frames.size() > UINT32_MAX - frames) return {Code::kCorruption, "too many frames in one backup"};
  map.frames.insert(map.frames.end(), page.frames.begin(), page.frames.end());
  for (MappedFile& file : page.files) {
    for (Extent& extent : file.extents) {
      assert(extent.frame < page.frames.size());
      extent.frame += static_cast<uint32_t>(frames);
    }
    map.files.push_back(std::move(file));
  }
  return Status::Ok();
}

// A frame may be in several pages: gives each its first number, and the extents that.
void UniteFrames(FileMap& map) {
  const auto place = [&](uint32_t i) { return std::pair(map.frames[i].pack, map.frames[i].ref.offset); };
  std::vector<uint32_t> order(map.frames.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(),
            [&](uint32_t a, uint32_t b) { return std::pair(place(a), a) < std::pair(place(b), b); });
  std::vector<uint32_t> first(order.size());
  for (size_t i = 0; i < order.size(); i++)
    first[order[i]] = i > 0 && place(order[i - 1]) == place(order[i]) ? first[order[i - 1]] : order[i];
  std::vector<MappedFrame> frames;
  for (uint32_t i = 0; i < first.size(); i++) {
    assert(first[i] <= i);
    const bool is_first = first[i] == i;
    first[i] = is_first ? static_cast<uint32_t>(frames.size()) : first[first[i]];
    if (is_first) frames.push_back(map.frames[i]);
  }
  if (frames.size() == map.frames.size()) return;
  for (MappedFile& file : map.files)
    for (Extent& extent : file.extents) extent.frame = first[extent.frame];
  map.frames = std::move(frames);
}

}  // namespace

Result<MapWindow> ReadMapWindow(const Repository& repository, const std::vector<PackEntry>& packs,
                                const std::vector<MapPage>& pages, size_t first, int jobs, const OpContext& ctx,
                                size_t bytes) {
  assert(first < pages.size());
  MapWindow window{first, first, {}};
  size_t held = 0;
  do {
    std::vector<FileMap> read(std::min<size_t>(static_cast<size_t>(std::max(jobs, 1)), pages.size() - window.end));
    PITR_TRY(ParallelFor(jobs, read.size(), ctx, [&](size_t i, int) -> Status {
      const size_t page = window.end + i;
      const std::string* next = page + 1 < pages.size() ? &pages[page + 1].first_path : nullptr;
      PITR_ASSIGN(read[i], ReadPage(repository, packs, pages[page], next, ctx));
      return Status::Ok();
    }));
    for (FileMap& page : read) {
      held += HeldBytes(page);
      PITR_TRY(Append(std::move(page), window.map));
    }
    window.end += read.size();
  } while (window.end < pages.size() && held < bytes);
  UniteFrames(window.map);
  return window;
}

Result<FileMap> ReadFileMap(const Repository& repository, const BackupManifest& manifest, const OpContext& ctx) {
  PITR_ASSIGN(MapPageList list, ReadMapPages(repository, manifest, ctx));
  FileMap map;
  if (!list.pages.empty()) {
    PITR_ASSIGN(MapWindow all, ReadMapWindow(repository, manifest.packs, list.pages, 0, 1, ctx, SIZE_MAX));
    map = std::move(all.map);
  }
  map.directories = std::move(list.directories);
  map.links = std::move(list.links);
  return map;
}

}  // namespace pitr
