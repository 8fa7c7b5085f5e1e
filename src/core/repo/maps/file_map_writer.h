// Writes file maps: FileMapFormatter makes the text of a list, a page or a partial map, MapPageStore stores pages of a
// backup as its files are given to it, StoreMapList the list of them all. What is stored was parsed before: a backup is
// worth nothing if its file map cannot be read. Each belongs to one thread.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "core/repo/maps/file_map_parser.h"

namespace pitr {

// Appends lines to a text. Lines come in the order of file_map.h; the caller keeps to it.
class FileMapFormatter {
 public:
  explicit FileMapFormatter(std::string& out) : out_(out) {}
  // `partial`: null but for a partial map.
  void Header(const std::string& label, const PartialHeader* partial = nullptr);
  void Pack(const PackEntry& pack);
  void Frames(std::span<const MappedFrame> frames);
  void Directory(const MappedDirectory& directory);
  void Page(const MapPage& page);
  void File(const MappedFile& file);
  void Link(const MappedLink& link);
  void End();

 private:
  void Path(const char* name, const std::string& path);
  void Number(const char* name, uint64_t value);  // as a member that is not the first
  void Extents(std::span<const Extent> extents);
  std::string& out_;
  uint64_t pages_ = 0;
  uint64_t files_ = 0;
  uint64_t frames_ = 0;
};

// What was stored of a text.
struct StoredMapText {
  uint64_t stored_bytes = 0;
  std::string sha256;
};

// Stores the text of a list, a page or a partial map of backup `label`. kCorruption for what could not be read again;
// errors as ObjectStore::Create. Memory: twice the text.
Result<StoredMapText> StoreMapText(const Repository& repository, ObjectKind kind, const std::string& key,
                                   const std::string& label, const std::string& text, const OpContext& ctx);

// At which a page of a backup without parent is full; a page with one file may have more extents.
inline constexpr size_t kPageFiles = 1000;
inline constexpr size_t kPageExtents = 16384;

// Memory: a few pages, the largest of which is that of one file with many extents, and some 400 bytes for each page.
class MapPageStore {
 public:
  // Borrowed, constant until Finish(): files refer to `frames`, and these to `packs`, by index. Packs without a size
  // are not complete, and no page may name them. `first_page`: the number of the first page.
  MapPageStore(const Repository& repository, std::string label, const std::vector<PackEntry>& packs,
               const std::vector<MappedFrame>& frames, uint32_t first_page, const OpContext& ctx);

  // To the page that is being made. Files ascend by path.
  void Add(MappedFile&& file);
  size_t page_files() const { return files_.size(); }
  size_t page_extents() const { return extents_; }
  // Makes and stores the page, when it has files; it may be stored later, with others. Errors as StoreMapText.
  Status EndPage();
  // Result: what is stored, in the order of the files.
  Result<std::vector<MapPage>> Finish();

 private:
  struct Made {
    size_t page;  // index in pages_
    std::string text;
  };
  void TakeFrames(MapPage& page, std::vector<MappedFrame>& frames);
  Status StoreMade();
  const Repository& repository_;
  const std::string label_;
  const std::vector<PackEntry>& packs_;
  const std::vector<MappedFrame>& frames_;
  const OpContext& ctx_;
  std::vector<bool> counted_;      // frames that are part of a page's fetch_bytes
  std::vector<MappedFile> files_;  // of the page that is being made
  size_t extents_ = 0;             // of files_
  uint32_t next_page_;
  std::vector<Made> made_;  // and not stored yet
  std::vector<MapPage> pages_;
};

// Stores the list of the pages of backup `label`, its own and others', which ascend by path and whose packs are those
// of its manifest. Errors as StoreMapText.
Result<StoredFileMap> StoreMapList(const Repository& repository, const std::string& label, std::vector<MapPage> pages,
                                   const std::vector<MappedDirectory>& directories,
                                   const std::vector<MappedLink>& links, const OpContext& ctx);

}  // namespace pitr
