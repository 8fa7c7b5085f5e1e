#include "core/backup/parent_map.h"

#include <set>

#include "core/repo/file_map_parser.h"

namespace pitr {

void ParentMap::AddFile(const MappedFile& file) {
  File& entry = files_.emplace_back();
  entry.size_bytes = file.size_bytes;
  entry.stamp = file.stamp;
  entry.path_at = paths_.size();
  entry.path_bytes = static_cast<uint16_t>(file.path.size());  // at most kMaxMappedPath
  paths_.append(file.path);
  entry.first_extent = extents_.size();
  entry.extents = static_cast<uint32_t>(file.extents.size());
  extents_.insert(extents_.end(), file.extents.begin(), file.extents.end());
}

Result<ParentMap> ParentMap::Load(const Repository& repository, const BackupManifest& manifest, const OpContext& ctx) {
  ParentMap map;
  map.manifest_ = manifest;
  std::set<std::string_view> damaged;
  for (const PageError& error : manifest.page_errors) damaged.insert(error.path);
  FileMapSink sink;
  sink.frame = [&](const MappedFrame& frame) -> Status {
    if (frame.pack >= manifest.packs.size())
      return {Code::kCorruption, "a frame in a pack that the manifest does not name"};
    map.frames_.push_back(frame);
    return Status::Ok();
  };
  sink.file = [&](MappedFile&& file) {
    map.AddFile(file);
    map.files_.back().has_page_errors = damaged.contains(file.path);
    return Status::Ok();
  };
  PITR_TRY(StreamFileMap(repository, manifest.label, std::move(sink), ctx));
  return map;
}

const ParentMap::File* ParentCursor::Seek(std::string_view path) {
  const std::vector<ParentMap::File>& files = map_.files();
  while (at_ < files.size() && map_.PathOf(files[at_]) < path) at_++;
  return at_ < files.size() && map_.PathOf(files[at_]) == path ? &files[at_] : nullptr;
}

}  // namespace pitr
