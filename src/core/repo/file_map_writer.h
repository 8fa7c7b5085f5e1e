// Writes a file map line by line: FileMapFormatter makes the text, FileMapWriter sends it through the envelope as it
// grows, so that memory is a frame and a few parts, whatever the number of files. It parses what it sends: a backup is
// worth nothing if its file map cannot be read. Each belongs to one thread.
#pragma once
#include <memory>
#include <span>
#include <string>

#include "core/base/sha256.h"
#include "core/base/thread.h"
#include "core/repo/file_map_parser.h"
#include "core/store/object_writer.h"

namespace pitr {

// Appends lines to a text. Lines come in the order of file_map.h; the caller keeps to it.
class FileMapFormatter {
 public:
  explicit FileMapFormatter(std::string& out) : out_(out) {}
  // `partial`: null but for a partial map.
  void Header(const std::string& label, const PartialHeader* partial = nullptr);
  void Frames(std::span<const MappedFrame> frames);
  void Directory(const MappedDirectory& directory);
  void File(const MappedFile& file);
  void Link(const MappedLink& link);
  void End();

 private:
  void Path(const char* name, const std::string& path);
  void Extents(std::span<const Extent> extents);
  std::string& out_;
  uint64_t files_ = 0;
  uint64_t frames_ = 0;
};

class FileMapWriter {
 public:
  // Borrowed: repository, and the clock and token of `ctx`, until Finish or destruction. kUnavailable: no thread to be
  // had.
  static Result<std::unique_ptr<FileMapWriter>> Open(const Repository& repository, const std::string& label,
                                                     const OpContext& ctx);
  // The same for backup/<label>/partial.<pack>, see partial_map.h.
  static Result<std::unique_ptr<FileMapWriter>> OpenPartial(const Repository& repository, const std::string& label,
                                                            uint32_t pack, const PartialHeader& header,
                                                            const OpContext& ctx);
  // Not finished: the upload is aborted.
  ~FileMapWriter();
  FileMapWriter(const FileMapWriter&) = delete;
  FileMapWriter& operator=(const FileMapWriter&) = delete;

  // Errors as ObjectWriter::Append; kCorruption for what could not be read again.
  Status Frames(std::span<const MappedFrame> frames);
  Status Directory(const MappedDirectory& directory);
  Status File(const MappedFile& file);
  Status Link(const MappedLink& link);
  // Errors as ObjectWriter::Finish.
  Result<StoredFileMap> Finish();

 private:
  FileMapWriter(const Repository& repository, const std::string& label, const std::string& key);
  Status Begin(const Repository& repository, ObjectKind kind, const OpContext& ctx);
  Status SendFull();           // while there is a frame's worth of text
  Status Send(ByteView text);  // one frame
  const std::string key_;
  ObjectEncoder encoder_;
  std::string text_;
  Bytes stored_;
  FileMapFormatter formatter_{text_};
  FileMapParser check_;
  Sha256Hasher digest_;
  std::unique_ptr<ThreadPool> pool_;  // outlives writer_
  std::unique_ptr<ObjectWriter> writer_;
};

}  // namespace pitr
