// What an increment reads of the file map of the backup that it builds on, or what interrupted backups stored,
// compactly: paths in one text, extents packed. Memory: 72 bytes and its path for each file, 24 for each frame, 2 to 15
// for each extent (packed_extents.h). Constant once loaded; any thread.
#pragma once
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/backup/packed_extents.h"
#include "core/backup/page_plan.h"
#include "core/repo/file_map.h"
#include "core/repo/manifest.h"
#include "core/repo/partial_map.h"

namespace pitr {

class ParentMap {
 public:
  struct File {
    uint64_t size_bytes = 0;
    FileStamp stamp;
    size_t path_at = 0;
    PackedExtents::Run extents;
    uint16_t path_bytes = 0;
    bool has_page_errors = false;  // bad pages of it were stored, which must not be built upon
  };

  // Those pages of the parent that `pages` does not keep. A page that is damaged or not there is left out, which is a
  // warning in the log: its files are then stored anew. Other errors are the store's.
  static Result<ParentMap> Load(const Repository& repository, const ParentBackup& parent, const PagePlan& pages,
                                const OpContext& ctx);

  // What these hold together; where two have the same bytes of a file, the first of them counts. The manifest then
  // tells of packs, no more, and files only have the extents that are known.
  static ParentMap Join(const std::vector<PartialMap>& partials);

  const BackupManifest& manifest() const { return manifest_; }
  const std::vector<MappedFrame>& frames() const { return frames_; }
  const std::vector<File>& files() const { return files_; }  // ascending by path
  std::string_view PathOf(const File& file) const {
    return std::string_view(paths_).substr(file.path_at, file.path_bytes);
  }
  // Those that have bytes in `span`.
  std::vector<Extent> ExtentsOf(const File& file, FileSpan span = {0, UINT64_MAX}) const {
    std::vector<Extent> extents;
    PackedExtents::Read(file.extents, span, extents);
    return extents;
  }
  // What extents take.
  size_t extent_bytes() const { return extents_.held_bytes(); }

 private:
  void AddFile(const MappedFile& file);
  Status AddPage(const Repository& repository, const MapPage& page, const std::set<std::string>& damaged,
                 const OpContext& ctx);
  BackupManifest manifest_;
  std::string paths_;
  std::vector<File> files_;
  PackedExtents extents_;
  std::vector<MappedFrame> frames_;
};

// Walks a parent's files beside a listing: both ascend by path, so each is passed once.
class ParentCursor {
 public:
  explicit ParentCursor(const ParentMap& map) : map_(map) {}
  // Paths must ascend from call to call; null when the parent does not have the file.
  const ParentMap::File* Seek(std::string_view path);

 private:
  const ParentMap& map_;
  size_t at_ = 0;
};

}  // namespace pitr
