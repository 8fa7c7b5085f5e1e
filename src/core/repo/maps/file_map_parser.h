// Reads the text of a file map's list, page or partial map piece by piece (any cut) and checks every line; the parts
// are handed on as they are read. Memory: one line. One thread; one map per parser.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "core/repo/maps/file_map.h"

namespace pitr {

// Any of them may be empty. A status that is not ok ends the parsing and is returned as it is.
struct FileMapSink {
  std::function<Status(const PartialHeader& header)> partial;  // of a partial map, once and first
  std::function<Status(PackEntry&& pack)> pack;
  std::function<Status(const MappedFrame& frame)> frame;
  std::function<Status(MappedDirectory&& directory)> directory;
  std::function<Status(MapPage&& page)> page;
  std::function<Status(MappedFile&& file)> file;
  std::function<Status(MappedLink&& link)> link;
};

// Relative, at most kMaxMappedPath bytes, no empty, "." or ".." segment, no zero byte; below a tablespace, whose place
// the manifest names, only in a directory of a version (PG_15_202209061).
bool IsSafeMappedPath(std::string_view path);

class FileMapParser {
 public:
  // `label`: whose map it must be; empty: anybody's.
  FileMapParser(std::string label, FileMapSink sink);

  // kCorruption naming the line; kInvalidArgument for a newer version. After an error the parser is of no use.
  Status Feed(ByteView text);
  // kCorruption when the end line has not been seen.
  Status Finish();

 private:
  enum class Stage { kHeader, kPacks, kFrames, kDirectories, kPages, kFiles, kLinks, kEnd };
  struct Line;  // the fields of one line

  Status ParseLine(std::string_view text);
  Status Dispatch(Line& line);
  Status Header(const Line& line);
  Status Pack(Line& line);
  Status Frames(const Line& line);
  Status Directory(Line& line);
  Status Page(Line& line);
  Status File(Line& line);
  Status MoreExtents(const Line& line);
  Status Link(Line& line);
  Status End(const Line& line);
  Status AddExtents(const Line& line);
  Status FlushFile();
  Status Enter(Stage stage);
  Status Bad(const std::string& what) const;

  const std::string label_;
  const FileMapSink sink_;
  std::string partial_;  // a line whose end has not come yet
  uint64_t line_number_ = 0;
  Stage stage_ = Stage::kHeader;
  std::vector<uint32_t> frame_plain_bytes_;
  uint64_t pages_ = 0;
  uint64_t files_ = 0;
  MappedFile file_;         // being read; its lines may go on
  bool have_file_ = false;  // file_ has not been handed on
  std::string last_path_;   // of the file or page before
};

// Reads backup/<label>/partial.<pack> (repo/maps/partial_map.h) in the same way.
Status StreamPartialMap(const Repository& repository, const std::string& label, uint32_t pack, FileMapSink sink,
                        const OpContext& ctx);

// The list of pages, which is of the right digest and names the pages of which the manifest tells. Errors as
// ReadFileMap. Memory: some 400 bytes a page.
Result<MapPageList> ReadMapPages(const Repository& repository, const BackupManifest& manifest, const OpContext& ctx);

// Reads one page of `pages` and hands on its frames, whose `pack` is that of `packs` (the manifest's), and its files;
// both are numbered from 0 in each page. Errors as ReadFileMap, or the sink's. Only a result of ok says that the parts
// were of the right page: nothing may come of them before.
Status StreamMapPage(const Repository& repository, const std::vector<PackEntry>& packs, const MapPage& page,
                     FileMapSink sink, const OpContext& ctx);

}  // namespace pitr
