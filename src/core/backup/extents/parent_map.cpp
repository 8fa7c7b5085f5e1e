#include "core/backup/extents/parent_map.h"

#include <algorithm>
#include <cassert>

#include "core/repo/maps/file_map_parser.h"

namespace pitr {

bool IsDamageOfPage(const Status& status) {
  return status.code() == Code::kCorruption || status.code() == Code::kNotFound ||
         status.code() == Code::kInvalidArgument;
}

void ParentMap::AddFile(const MappedFile& file) {
  assert(file.path.size() <= kMaxMappedPath);
  assert(std::all_of(file.extents.begin(), file.extents.end(),
                     [this](const Extent& extent) { return extent.frame < frames_.size(); }));
  File& entry = files_.emplace_back();
  entry.size_bytes = file.size_bytes;
  entry.stamp = file.stamp;
  entry.path_at = paths_.size();
  entry.path_bytes = static_cast<uint16_t>(file.path.size());  // at most kMaxMappedPath
  paths_.append(file.path);
  entry.extents = extents_.Add(file.extents);
}

Status ParentMap::AddPage(const Repository& repository, const MapPage& page, const OpContext& ctx) {
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
    files_.back().has_page_errors = damaged_.contains(file.path);
    return Status::Ok();
  };
  return StreamMapPage(repository, manifest_.packs, page, std::move(sink), ctx);
}

Status ParentMap::Add(const Repository& repository, const MapPage& page, const OpContext& ctx) {
  if (damaged_.empty())
    for (const PageError& error : manifest_.page_errors) damaged_.insert(error.path);
  const size_t frames = frames_.size(), files = files_.size(), paths = paths_.size();
  Status added = AddPage(repository, page, ctx);
  if (added.ok()) return added;
  frames_.resize(frames);
  files_.resize(files);
  paths_.resize(paths);
  return added;
}

void ParentMap::Clear() {
  paths_ = {};
  files_ = {};
  extents_ = {};
  frames_ = {};
}

size_t ParentMap::held_bytes() const {
  return paths_.capacity() + files_.size() * sizeof(File) + extents_.held_bytes() +
         frames_.capacity() * sizeof(MappedFrame);
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
    assert(file.extents.empty() || file.extents.back().end() <= piece.extent->file_offset);
    file.extents.push_back(*piece.extent);
    file.extents.back().frame += piece.first_frame;
    file.size_bytes = std::max(file.size_bytes, piece.extent->end());
    last_partial = piece.partial;
  }
  if (!file.path.empty()) map.AddFile(file);
  return map;
}

const ParentMap::File* ParentCursor::Seek(std::string_view path) {
  const std::deque<ParentMap::File>& files = map_.files();
  while (at_ < files.size() && map_.PathOf(files[at_]) < path) at_++;
  return at_ < files.size() && map_.PathOf(files[at_]) == path ? &files[at_] : nullptr;
}

}  // namespace pitr
