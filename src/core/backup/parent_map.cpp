#include "core/backup/parent_map.h"

#include <algorithm>

#include "core/repo/file_map_parser.h"

namespace pitr {

void ParentMap::AddFile(const MappedFile& file) {
  File& entry = files_.emplace_back();
  entry.size_bytes = file.size_bytes;
  entry.stamp = file.stamp;
  entry.path_at = paths_.size();
  entry.path_bytes = static_cast<uint16_t>(file.path.size());  // at most kMaxMappedPath
  paths_.append(file.path);
  entry.extents = extents_.Add(file.extents);
}

Status ParentMap::AddPage(const Repository& repository, const MapPage& page, const std::set<std::string>& damaged,
                          const OpContext& ctx) {
  const auto first_frame = static_cast<uint32_t>(frames_.size());
  FileMapSink sink;
  sink.frame = [&](const MappedFrame& frame) -> Status {
    if (frames_.size() == UINT32_MAX) return {Code::kInternal, "too many frames in one backup"};
    frames_.push_back(frame);
    return Status::Ok();
  };
  sink.file = [&](MappedFile&& file) {
    for (Extent& extent : file.extents) extent.frame += first_frame;
    AddFile(file);
    files_.back().has_page_errors = damaged.contains(file.path);
    return Status::Ok();
  };
  return StreamMapPage(repository, manifest_.packs, page, std::move(sink), ctx);
}

Result<ParentMap> ParentMap::Load(const Repository& repository, const ParentBackup& parent, const PagePlan& pages,
                                  const OpContext& ctx) {
  ParentMap map;
  map.manifest_ = parent.manifest;
  std::set<std::string> damaged;
  for (const PageError& error : parent.manifest.page_errors) damaged.insert(error.path);
  for (size_t i = 0; i < parent.list.pages.size(); i++) {
    if (pages.kept[i]) continue;
    const size_t frames = map.frames_.size(), files = map.files_.size(), paths = map.paths_.size();
    Status added = map.AddPage(repository, parent.list.pages[i], damaged, ctx);
    if (added.ok()) continue;
    if (added.code() != Code::kCorruption && added.code() != Code::kNotFound && added.code() != Code::kInvalidArgument)
      return added;
    map.frames_.resize(frames);
    map.files_.resize(files);
    map.paths_.resize(paths);
    repository.log().Warning(
        "of backup \"" + parent.manifest.label +
        "\" a page of its file map cannot be read; what it was to tell of is stored anew: " + added.ToString());
  }
  return map;
}

namespace {

// An extent of one of the partial maps.
struct Piece {
  const MappedFile* file;
  const Extent* extent;
  uint32_t partial;
  uint32_t first_frame;  // of the partial map, among all frames
};

bool ComesBefore(const Piece& a, const Piece& b) {
  const int paths = a.file->path.compare(b.file->path);
  if (paths != 0) return paths < 0;
  if (a.extent->file_offset != b.extent->file_offset) return a.extent->file_offset < b.extent->file_offset;
  return a.partial < b.partial;
}

}  // namespace

ParentMap ParentMap::Join(const std::vector<PartialMap>& partials) {
  ParentMap map;
  std::vector<Piece> pieces;
  for (const PartialMap& partial : partials) {
    if (partial.frames.size() > UINT32_MAX - map.frames_.size()) break;
    const auto pack = static_cast<uint32_t>(map.manifest_.packs.size());
    const auto first_frame = static_cast<uint32_t>(map.frames_.size());
    map.manifest_.packs.push_back(partial.pack);
    for (const MappedFrame& frame : partial.frames) map.frames_.push_back({pack, frame.ref});
    for (const MappedFile& file : partial.files)
      for (const Extent& extent : file.extents)
        if (extent.checked) pieces.push_back({&file, &extent, pack, first_frame});
  }
  std::sort(pieces.begin(), pieces.end(), ComesBefore);
  MappedFile file;
  uint32_t last_partial = 0;  // of file.extents.back()
  for (size_t i = 0; i < pieces.size(); i++) {
    const Piece& piece = pieces[i];
    if (file.path != piece.file->path) {
      if (!file.path.empty()) map.AddFile(file);
      file = {};
      file.path = piece.file->path;
    }
    const bool overlaps = !file.extents.empty() && file.extents.back().end() > piece.extent->file_offset;
    if (overlaps && last_partial <= piece.partial) continue;
    if (overlaps) file.extents.pop_back();
    file.extents.push_back(*piece.extent);
    file.extents.back().frame += piece.first_frame;
    file.size_bytes = std::max(file.size_bytes, piece.extent->end());
    last_partial = piece.partial;
  }
  if (!file.path.empty()) map.AddFile(file);
  return map;
}

const ParentMap::File* ParentCursor::Seek(std::string_view path) {
  const std::vector<ParentMap::File>& files = map_.files();
  while (at_ < files.size() && map_.PathOf(files[at_]) < path) at_++;
  return at_ < files.size() && map_.PathOf(files[at_]) == path ? &files[at_] : nullptr;
}

}  // namespace pitr
