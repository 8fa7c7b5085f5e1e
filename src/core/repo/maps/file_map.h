// What files a backup has, their extents, and the frames they lie in. backup/<label>/files lists directories, links and
// pages; a page, data/<label>/page.<number>, is an object of its own with some thousand files and the frames and packs
// of these, so that later backups can refer to it. JSON lines in the envelope, written and read in one pass.
//
// Lines of the list, in this order (docs/format.md, "File map"):
//   {"pg_pitr_files":1,"label":...}
//   {"dir":"base/1","mode":448}
//   {"page":"data/L/page.000001","size":n,"sha256":"...","from":"base/1/112","files":n,"bytes":n,"fetch":n,
//   "packs":[0,4],"state":"...","times":"..."}
//   {"link":"pg_tblspc/16400","target":"/srv/ts"}
//   {"end":{"files":0,"frames":0,"pages":n}}
// Lines of a page:
//   {"pg_pitr_files":1,"label":...}                 in a partial map also "pack_bytes", "level" and "database_bytes"
//   {"pack":"data/L/000001","size":n}               numbered from 0; not in a partial map
//   {"frames":[pack, first_offset, [stored,plain], ...]}   frames of one pack, consecutive from first_offset; numbered
//   from 0 over all lines
//   {"file":"base/1/1259","size":n,"mode":384,"mtime":micros,"stamp":"...","extents":
//   [[file_offset,length,frame,frame_offset,"check"],...]}
//   {"extents":[...]}                               more extents of the file before, when it has more than
//   kExtentsPerLine
//   {"end":{"files":n,"frames":n}}
// A path that is not UTF-8 is stored under "file_hex" (and "dir_hex", "from_hex", "link_hex", "target_hex") in
// hexadecimal. No line is longer than kMaxFileMapLine, so neither side needs more memory for a line than that.
#pragma once
#include <string>
#include <vector>

#include "core/repo/envelope/object_codec.h"
#include "core/repo/manifest.h"
#include "core/repo/repository.h"

namespace pitr {

inline constexpr size_t kMaxFileMapLine = size_t{1} << 20;
inline constexpr size_t kFramesPerLine = 4096;
inline constexpr size_t kExtentsPerLine = 4096;
inline constexpr size_t kMaxMappedPath = 4096;  // PATH_MAX

struct MappedFrame {
  uint32_t pack = 0;  // index in BackupManifest::packs
  FrameRef ref;
};

// A piece of a file; bytes of a file that no extent covers are zero.
struct Extent {
  uint64_t file_offset = 0;
  uint32_t length = 0;
  uint32_t frame = 0;         // index of the frame in the map
  uint32_t frame_offset = 0;  // in the frame's plain bytes
  // Whether `check` is known. It is not when a backup refers to a part of what an earlier one stored as a whole: the
  // frame's own check is then the proof.
  bool checked = true;
  uint64_t check = 0;  // XXH3-64 of the extent's bytes

  uint64_t end() const { return file_offset + length; }
};

// By which a later backup recognizes the file and tells that it was not written since. Zero: not known. Nanoseconds of
// the file system's clock.
struct FileStamp {
  uint64_t inode = 0;
  int64_t born_nanos = 0;
  int64_t changed_nanos = 0;  // of the inode (ctime); only when it can be relied upon, see backup/data/file_stat.h

  bool SameFile(const FileStamp& other) const {
    return inode != 0 && born_nanos != 0 && inode == other.inode && born_nanos == other.born_nanos;
  }
  bool operator==(const FileStamp&) const = default;
};

struct MappedFile {
  std::string path;  // relative to the data directory; a tablespace's files are under pg_tblspc/<oid>/
  uint64_t size_bytes = 0;
  uint32_t mode = 0600;
  int64_t mtime_micros = 0;
  FileStamp stamp;
  std::vector<Extent> extents;  // ascending by file_offset, not overlapping
};

struct MappedDirectory {
  std::string path;
  uint32_t mode = 0700;
};

struct MappedLink {
  std::string path;
  std::string target;
};

// The first line of a partial map says, besides, what pack it describes: data/<label>/<number>, which is pack 0 in it.
struct PartialHeader {
  uint64_t pack_bytes = 0;      // stored
  uint64_t level = 0;           // of compression: the setting it was written with
  uint64_t database_bytes = 0;  // of the whole cluster when the backup began
};

// Digests by which a later backup tells, without reading a page, that every file of it is as it was
// (backup/changes/page_plan.h). Empty: it cannot.
struct MapPageState {
  std::string files;  // of all files: path, size, mode, inode and birth; where WAL says nothing, times of changes, too
  std::string times;  // of the changes of the others, main forks of relations

  bool operator==(const MapPageState&) const = default;
};

// What the list says of a page. It has the files from `first_path` up to that of the next page.
struct MapPage {
  std::string label;  // whose page it is, perhaps an earlier backup's
  uint32_t number = 0;
  uint64_t stored_bytes = 0;
  std::string sha256;  // of the plain content, in hexadecimal
  std::string first_path;
  uint64_t files = 0;
  uint64_t file_bytes = 0;
  uint64_t fetch_bytes = 0;     // stored, of its frames, but for those counted with another page
  std::vector<uint32_t> packs;  // the page's packs, by their index in BackupManifest::packs
  MapPageState state;

  std::string key() const;
};

// backup/<label>/files
struct MapPageList {
  std::vector<MappedDirectory> directories;  // parents before children
  std::vector<MapPage> pages;                // ascending by first_path
  std::vector<MappedLink> links;
};

struct FileMap {
  std::vector<MappedFrame> frames;
  std::vector<MappedDirectory> directories;  // parents before children
  std::vector<MappedFile> files;             // ascending by path
  std::vector<MappedLink> links;
};

// What the manifest says of the map that was stored.
struct StoredFileMap {
  std::string key;
  uint64_t list_bytes = 0;  // stored
  std::string sha256;       // of the list's plain content, in hexadecimal
  std::vector<MapPage> pages;
  uint64_t added_bytes = 0;  // stored: the list and the pages that are new

  void EnterIn(BackupManifest& manifest) const;
};

// Stores the map of backup `label` as pages of its own; frames refer to `packs` by index.
Result<StoredFileMap> WriteFileMap(const Repository& repository, const std::string& label,
                                   const std::vector<PackEntry>& packs, const FileMap& map, const OpContext& ctx);
// Reads and checks it: references in range, extents inside frames and files, paths relative and without "..", files in
// order, and that list and pages are those of which manifest and list have the digests. kCorruption names the object
// and the line; kInvalidArgument for a newer version. A frame that several pages list is there once. Memory grows
// with the cluster: map_window.h reads a part at a time.
Result<FileMap> ReadFileMap(const Repository& repository, const BackupManifest& manifest, const OpContext& ctx);

}  // namespace pitr
