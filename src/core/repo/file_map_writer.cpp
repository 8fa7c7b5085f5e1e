#include "core/repo/file_map_writer.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "core/repo/json_scan.h"
#include "core/repo/layout.h"

namespace pitr {
namespace {

constexpr int kPartsInFlight = 2;

bool Continues(const MappedFrame& frame, const MappedFrame& after) {
  return after.pack == frame.pack && after.ref.offset == frame.ref.offset + frame.ref.stored_bytes;
}

void AppendCheck(uint64_t check, std::string& out) {
  static constexpr char kDigits[] = "0123456789abcdef";
  out.push_back('"');
  for (int shift = 60; shift >= 0; shift -= 4) out.push_back(kDigits[check >> shift & 15]);
  out.push_back('"');
}

void AppendHex(uint64_t value, std::string& out) {
  std::array<char, 16> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value, 16).ptr;
  out.append(digits.data(), end);
}

void AppendStamp(const FileStamp& stamp, std::string& out) {
  if (stamp == FileStamp{}) return;
  out.append(",\"stamp\":\"");
  AppendHex(stamp.inode, out);
  out.push_back('.');
  AppendHex(static_cast<uint64_t>(stamp.born_nanos), out);
  out.push_back('.');
  AppendHex(static_cast<uint64_t>(stamp.changed_nanos), out);
  out.push_back('"');
}

}  // namespace

void FileMapFormatter::Header(const std::string& label, const PartialHeader* partial) {
  out_.append("{\"pg_pitr_files\":1,\"label\":");
  AppendJsonString(label, out_);
  if (partial != nullptr) {
    out_.append(",\"pack_bytes\":");
    AppendDecimal(partial->pack_bytes, out_);
    out_.append(",\"level\":");
    AppendDecimal(partial->level, out_);
    out_.append(",\"database_bytes\":");
    AppendDecimal(partial->database_bytes, out_);
  }
  out_.append("}\n");
}

void FileMapFormatter::Path(const char* name, const std::string& path) {
  out_.push_back('"');
  out_.append(name);
  if (IsUtf8(path)) {
    out_.append("\":");
    AppendJsonString(path, out_);
  } else {
    out_.append("_hex\":\"");
    out_.append(ToHex(AsBytes(path)));
    out_.push_back('"');
  }
}

void FileMapFormatter::Frames(std::span<const MappedFrame> frames) {
  for (size_t i = 0; i < frames.size();) {
    out_.append("{\"frames\":[");
    AppendDecimal(uint64_t{frames[i].pack}, out_);
    out_.push_back(',');
    AppendDecimal(frames[i].ref.offset, out_);
    size_t count = 0;
    do {
      const FrameRef& ref = frames[i].ref;
      out_.append(",[");
      AppendDecimal(uint64_t{ref.stored_bytes}, out_);
      out_.push_back(',');
      AppendDecimal(uint64_t{ref.plain_bytes}, out_);
      out_.push_back(']');
      i++;
      count++;
    } while (i < frames.size() && count < kFramesPerLine && Continues(frames[i - 1], frames[i]));
    out_.append("]}\n");
  }
  frames_ += frames.size();
}

void FileMapFormatter::Directory(const MappedDirectory& directory) {
  out_.push_back('{');
  Path("dir", directory.path);
  out_.append(",\"mode\":");
  AppendDecimal(uint64_t{directory.mode}, out_);
  out_.append("}\n");
}

void FileMapFormatter::Extents(std::span<const Extent> extents) {
  out_.append("\"extents\":[");
  for (size_t i = 0; i < extents.size(); i++) {
    const Extent& extent = extents[i];
    out_.append(i == 0 ? "[" : ",[");
    AppendDecimal(extent.file_offset, out_);
    out_.push_back(',');
    AppendDecimal(uint64_t{extent.length}, out_);
    out_.push_back(',');
    AppendDecimal(uint64_t{extent.frame}, out_);
    out_.push_back(',');
    AppendDecimal(uint64_t{extent.frame_offset}, out_);
    if (extent.checked) {
      out_.push_back(',');
      AppendCheck(extent.check, out_);
    }
    out_.push_back(']');
  }
  out_.push_back(']');
}

void FileMapFormatter::File(const MappedFile& file) {
  out_.push_back('{');
  Path("file", file.path);
  out_.append(",\"size\":");
  AppendDecimal(file.size_bytes, out_);
  out_.append(",\"mode\":");
  AppendDecimal(uint64_t{file.mode}, out_);
  out_.append(",\"mtime\":");
  AppendDecimal(file.mtime_micros, out_);
  AppendStamp(file.stamp, out_);
  out_.push_back(',');
  const std::span<const Extent> extents(file.extents);
  Extents(extents.first(std::min(kExtentsPerLine, extents.size())));
  out_.append("}\n");
  for (size_t i = kExtentsPerLine; i < extents.size(); i += kExtentsPerLine) {
    out_.push_back('{');
    Extents(extents.subspan(i, std::min(kExtentsPerLine, extents.size() - i)));
    out_.append("}\n");
  }
  files_++;
}

void FileMapFormatter::Link(const MappedLink& link) {
  out_.push_back('{');
  Path("link", link.path);
  out_.push_back(',');
  Path("target", link.target);
  out_.append("}\n");
}

void FileMapFormatter::End() {
  out_.append("{\"end\":{\"files\":");
  AppendDecimal(files_, out_);
  out_.append(",\"frames\":");
  AppendDecimal(frames_, out_);
  out_.append("}}\n");
}

FileMapWriter::FileMapWriter(const Repository& repository, const std::string& label, const std::string& key)
    : key_(key), encoder_(repository.key(), repository.config().compression_level), check_(label, {}) {}

FileMapWriter::~FileMapWriter() = default;

Result<std::unique_ptr<FileMapWriter>> FileMapWriter::Open(const Repository& repository, const std::string& label,
                                                           const OpContext& ctx) {
  std::unique_ptr<FileMapWriter> map(
      new FileMapWriter(repository, label, layout::BackupKey(label, layout::BackupObject::kFiles)));
  PITR_TRY(map->Begin(repository, ObjectKind::kFileMap, ctx));
  map->formatter_.Header(label);
  return map;
}

Result<std::unique_ptr<FileMapWriter>> FileMapWriter::OpenPartial(const Repository& repository,
                                                                  const std::string& label, uint32_t pack,
                                                                  const PartialHeader& header, const OpContext& ctx) {
  std::unique_ptr<FileMapWriter> map(new FileMapWriter(repository, label, layout::PartialKey(label, pack)));
  PITR_TRY(map->Begin(repository, ObjectKind::kPartialMap, ctx));
  map->formatter_.Header(label, &header);
  return map;
}

Status FileMapWriter::Begin(const Repository& repository, ObjectKind kind, const OpContext& ctx) {
  PITR_ASSIGN(pool_, ThreadPool::Start(kPartsInFlight));
  WriterOptions options;
  options.part_bytes = static_cast<size_t>(repository.config().part_size_kb) << 10;
  options.parts_in_flight = kPartsInFlight;
  writer_ = std::make_unique<ObjectWriter>(repository.store(), *pool_, key_, options, ctx);
  return encoder_.Begin(kind, key_, stored_);
}

Status FileMapWriter::Send(ByteView text) {
  if (Status parsed = check_.Feed(text); !parsed.ok()) return std::move(parsed).Annotate("writing \"" + key_ + "\"");
  digest_.Update(text);
  PITR_ASSIGN([[maybe_unused]] const FrameRef frame, encoder_.AppendFrame(text, stored_));
  PITR_TRY(writer_->Append(stored_));
  stored_.clear();
  return Status::Ok();
}

Status FileMapWriter::SendFull() {
  size_t sent = 0;
  while (text_.size() - sent >= kDataFramePlainBytes) {
    PITR_TRY(Send(AsBytes(text_).subspan(sent, kDataFramePlainBytes)));
    sent += kDataFramePlainBytes;
  }
  text_.erase(0, sent);
  return Status::Ok();
}

Status FileMapWriter::Frames(std::span<const MappedFrame> frames) {
  // A few lines at a time, so that the text stays near the size of one frame.
  for (size_t i = 0; i < frames.size(); i += kFramesPerLine) {
    formatter_.Frames(frames.subspan(i, std::min(kFramesPerLine, frames.size() - i)));
    PITR_TRY(SendFull());
  }
  return Status::Ok();
}

Status FileMapWriter::Directory(const MappedDirectory& directory) {
  formatter_.Directory(directory);
  return SendFull();
}

Status FileMapWriter::File(const MappedFile& file) {
  formatter_.File(file);
  return SendFull();
}

Status FileMapWriter::Link(const MappedLink& link) {
  formatter_.Link(link);
  return SendFull();
}

Result<StoredFileMap> FileMapWriter::Finish() {
  formatter_.End();
  PITR_TRY(SendFull());
  if (!text_.empty()) PITR_TRY(Send(AsBytes(text_)));
  text_.clear();
  if (Status parsed = check_.Finish(); !parsed.ok()) return std::move(parsed).Annotate("writing \"" + key_ + "\"");
  PITR_TRY(encoder_.Finish(stored_));
  PITR_TRY(writer_->Append(stored_));
  PITR_ASSIGN(const uint64_t stored_bytes, writer_->Finish());
  return StoredFileMap{key_, stored_bytes, ToHex(digest_.Finish())};
}

void StoredFileMap::EnterIn(BackupManifest& manifest) const {
  manifest.file_map_key = key;
  manifest.file_map_bytes = stored_bytes;
  manifest.file_map_sha256 = sha256;
}

Result<StoredFileMap> WriteFileMap(const Repository& repository, const std::string& label, const FileMap& map,
                                   const OpContext& ctx) {
  PITR_ASSIGN(const std::unique_ptr<FileMapWriter> writer, FileMapWriter::Open(repository, label, ctx));
  PITR_TRY(writer->Frames(map.frames));
  for (const MappedDirectory& directory : map.directories) PITR_TRY(writer->Directory(directory));
  for (const MappedFile& file : map.files) PITR_TRY(writer->File(file));
  for (const MappedLink& link : map.links) PITR_TRY(writer->Link(link));
  return writer->Finish();
}

}  // namespace pitr
