// What an increment reads of the file map of the backup that it builds on, or what interrupted backups stored,
// compactly: paths in one text, extents packed. Memory: 72 bytes and its path for each file, 24 for each frame, 2 to 15
// for each extent (packed_extents.h). An increment adds pages and forgets them again, while nobody else looks; in
// between it is constant, for any thread.
#pragma once
#include <deque>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/backup/changes/page_plan.h"
#include "core/backup/extents/packed_extents.h"
#include "core/repo/manifest.h"
#include "core/repo/maps/file_map.h"
#include "core/repo/maps/partial_map.h"

namespace pitr {

// Whether a page could not be read because it is damaged or not there, and not because the store did not answer.
bool IsDamageOfPage(const Status& status);

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

  ParentMap() = default;
  // Of no page yet.
  explicit ParentMap(BackupManifest manifest) : manifest_(std::move(manifest)) {}

  // Adds a page of the parent, or after an error nothing: IsDamageOfPage(), or the store's. What files() had stays
  // where it is.
  Status Add(const Repository& repository, const MapPage& page, const OpContext& ctx);
  // Forgets all pages, and with them every File.
  void Clear();

  // What these hold together; where two have the same bytes of a file, the first of them counts. The manifest then
  // tells of packs, no more, and files only have the extents that are known.
  static ParentMap Join(const std::vector<PartialMap>& partials);

  const BackupManifest& manifest() const { return manifest_; }
  const std::vector<MappedFrame>& frames() const { return frames_; }
  // Ascending by path if the pages that were added do.
  const std::deque<File>& files() const { return files_; }
  std::string_view PathOf(const File& file) const {
    return std::string_view(paths_).substr(file.path_at, file.path_bytes);
  }
  // Those that have bytes in `span`.
  std::vector<Extent> ExtentsOf(const File& file, FileSpan span = {0, UINT64_MAX}) const {
    std::vector<Extent> extents;
    PackedExtents::Read(file.extents, span, extents);
    return extents;
  }
  // What the pages take.
  size_t held_bytes() const;

 private:
  void AddFile(const MappedFile& file);
  Status AddPage(const Repository& repository, const MapPage& page, const OpContext& ctx);
  BackupManifest manifest_;
  std::set<std::string> damaged_;  // files with bad pages, once a page was added
  std::string paths_;
  std::deque<File> files_;  // others point to them
  PackedExtents extents_;
  std::vector<MappedFrame> frames_;
};

// Walks a parent's files, from the given one on, beside a listing: both ascend by path, so each is passed once.
class ParentCursor {
 public:
  explicit ParentCursor(const ParentMap& map, size_t first = 0) : map_(map), at_(first) {}
  // Paths must ascend from call to call; null when the parent does not have the file.
  const ParentMap::File* Seek(std::string_view path);

 private:
  const ParentMap& map_;
  size_t at_;
};

}  // namespace pitr
