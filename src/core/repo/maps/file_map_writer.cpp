#include "core/repo/maps/file_map_writer.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <tuple>

#include "core/base/parallel_for.h"
#include "core/base/sha256.h"
#include "core/repo/envelope/json_scan.h"
#include "core/repo/layout.h"
#include "core/repo/maps/map_page_sum.h"

namespace pitr {
namespace {

constexpr int kPagesAtOnce = 4;

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
    Number("pack_bytes", partial->pack_bytes);
    Number("level", partial->level);
    Number("database_bytes", partial->database_bytes);
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

void FileMapFormatter::Number(const char* name, uint64_t value) {
  out_.append(",\"");
  out_.append(name);
  out_.append("\":");
  AppendDecimal(value, out_);
}

void FileMapFormatter::Pack(const PackEntry& pack) {
  out_.append("{\"pack\":");
  AppendJsonString(pack.key, out_);
  Number("size", pack.size_bytes);
  out_.append("}\n");
}

void FileMapFormatter::Page(const MapPage& page) {
  out_.append("{\"page\":");
  AppendJsonString(page.key(), out_);
  Number("size", page.stored_bytes);
  out_.append(",\"sha256\":");
  AppendJsonString(page.sha256, out_);
  out_.push_back(',');
  Path("from", page.first_path);
  Number("files", page.files);
  Number("bytes", page.file_bytes);
  Number("fetch", page.fetch_bytes);
  out_.append(",\"packs\":[");
  for (size_t i = 0; i < page.packs.size(); i++) {
    if (i > 0) out_.push_back(',');
    AppendDecimal(uint64_t{page.packs[i]}, out_);
  }
  out_.push_back(']');
  for (const auto& [name, digest] : {std::pair("state", &page.state.files), std::pair("times", &page.state.times)}) {
    if (digest->empty()) continue;
    out_.append(std::string(",\"") + name + "\":");
    AppendJsonString(*digest, out_);
  }
  out_.append("}\n");
  pages_++;
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
  Number("mode", directory.mode);
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
  Number("size", file.size_bytes);
  Number("mode", file.mode);
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
  Number("frames", frames_);
  if (pages_ > 0) Number("pages", pages_);
  out_.append("}}\n");
}

Result<StoredMapText> StoreMapText(const Repository& repository, ObjectKind kind, const std::string& key,
                                   const std::string& label, const std::string& text, const OpContext& ctx) {
  FileMapParser check(label, {});
  Status parsed = check.Feed(AsBytes(text));
  if (parsed.ok()) parsed = check.Finish();
  if (!parsed.ok()) return std::move(parsed).Annotate("writing \"" + key + "\"");
  PITR_ASSIGN(const Bytes stored, EncodeObject(kind, key, AsBytes(text), repository.key(),
                                               repository.config().compression_level, kDataFramePlainBytes));
  PITR_TRY(repository.store().Create(key, stored, ctx));
  return StoredMapText{stored.size(), Sha256Hex(AsBytes(text))};
}

MapPageStore::MapPageStore(const Repository& repository, std::string label, const std::vector<PackEntry>& packs,
                           const std::vector<MappedFrame>& frames, uint32_t first_page, const OpContext& ctx)
    : repository_(repository),
      label_(std::move(label)),
      packs_(packs),
      frames_(frames),
      ctx_(ctx),
      counted_(frames.size(), false),
      next_page_(first_page) {}

void MapPageStore::Add(MappedFile&& file) {
  extents_ += file.extents.size();
  files_.push_back(std::move(file));
}

// The frames and packs that the page's files need, numbered as they are in the page; so are the files' extents then.
void MapPageStore::TakeFrames(MapPage& page, std::vector<MappedFrame>& frames) {
  std::vector<uint32_t> needed;
  needed.reserve(extents_);
  for (const MappedFile& file : files_)
    for (const Extent& extent : file.extents) needed.push_back(extent.frame);
  std::sort(needed.begin(), needed.end());
  needed.erase(std::unique(needed.begin(), needed.end()), needed.end());
  for (MappedFile& file : files_)
    for (Extent& extent : file.extents) {
      const auto place = std::lower_bound(needed.begin(), needed.end(), extent.frame);
      assert(place != needed.end() && *place == extent.frame);
      extent.frame = static_cast<uint32_t>(place - needed.begin());
    }
  for (const uint32_t number : needed) page.packs.push_back(frames_[number].pack);
  std::sort(page.packs.begin(), page.packs.end());
  page.packs.erase(std::unique(page.packs.begin(), page.packs.end()), page.packs.end());
  for (const uint32_t number : needed) {
    const auto pack = std::lower_bound(page.packs.begin(), page.packs.end(), frames_[number].pack);
    assert(pack != page.packs.end() && *pack == frames_[number].pack);
    frames.push_back({static_cast<uint32_t>(pack - page.packs.begin()), frames_[number].ref});
    if (!counted_[number]) page.fetch_bytes += frames_[number].ref.stored_bytes;
    counted_[number] = true;
  }
}

Status MapPageStore::EndPage() {
  if (files_.empty()) return Status::Ok();
  MapPage page;
  page.label = label_;
  page.number = next_page_++;
  page.first_path = files_.front().path;
  page.files = files_.size();
  for (const MappedFile& file : files_) {
    page.file_bytes += file.size_bytes;
    for (const Extent& extent : file.extents)
      if (extent.frame >= frames_.size() || frames_[extent.frame].pack >= packs_.size())
        return {Code::kCorruption, "an extent of file \"" + file.path + "\" lies in no frame of a pack"};
  }
  MapPageSum sum;
  for (const MappedFile& file : files_) sum.Add(file);
  page.state = sum.Finish();
  std::vector<MappedFrame> frames;
  TakeFrames(page, frames);
  for (const uint32_t pack : page.packs)
    if (packs_[pack].size_bytes == 0)
      return {Code::kInternal, "pack \"" + packs_[pack].key + "\" is to be named by a page and is not complete"};
  Made made{pages_.size(), {}};
  FileMapFormatter formatter(made.text);
  formatter.Header(label_);
  for (const uint32_t pack : page.packs) formatter.Pack(packs_[pack]);
  formatter.Frames(frames);
  for (const MappedFile& file : files_) formatter.File(file);
  formatter.End();
  files_.clear();
  extents_ = 0;
  pages_.push_back(std::move(page));
  made_.push_back(std::move(made));
  return made_.size() < kPagesAtOnce ? Status::Ok() : StoreMade();
}

Status MapPageStore::StoreMade() {
  const Status stored = ParallelFor(kPagesAtOnce, made_.size(), ctx_, [&](size_t i, int) -> Status {
    MapPage& page = pages_[made_[i].page];
    PITR_ASSIGN(StoredMapText text,
                StoreMapText(repository_, ObjectKind::kMapPage, page.key(), label_, made_[i].text, ctx_));
    page.stored_bytes = text.stored_bytes;
    page.sha256 = std::move(text.sha256);
    return Status::Ok();
  });
  made_.clear();
  return stored;
}

Result<std::vector<MapPage>> MapPageStore::Finish() {
  PITR_TRY(EndPage());
  PITR_TRY(StoreMade());
  return std::move(pages_);
}

Result<StoredFileMap> StoreMapList(const Repository& repository, const std::string& label, std::vector<MapPage> pages,
                                   const std::vector<MappedDirectory>& directories,
                                   const std::vector<MappedLink>& links, const OpContext& ctx) {
  std::string text;
  FileMapFormatter formatter(text);
  formatter.Header(label);
  for (const MappedDirectory& directory : directories) formatter.Directory(directory);
  for (const MapPage& page : pages) formatter.Page(page);
  for (const MappedLink& link : links) formatter.Link(link);
  formatter.End();
  StoredFileMap stored;
  stored.key = layout::BackupKey(label, layout::BackupObject::kFiles);
  PITR_ASSIGN(StoredMapText list, StoreMapText(repository, ObjectKind::kFileMap, stored.key, label, text, ctx));
  stored.list_bytes = list.stored_bytes;
  stored.sha256 = std::move(list.sha256);
  stored.added_bytes = list.stored_bytes;
  for (const MapPage& page : pages)
    if (page.label == label) stored.added_bytes += page.stored_bytes;
  stored.pages = std::move(pages);
  return stored;
}

void StoredFileMap::EnterIn(BackupManifest& manifest) const {
  manifest.file_map_key = key;
  manifest.file_map_bytes = list_bytes;
  manifest.file_map_sha256 = sha256;
  manifest.map_pages.clear();
  manifest.map_page_bytes = manifest.fetch_bytes = 0;
  std::vector<const MapPage*> ordered;
  for (const MapPage& page : pages) ordered.push_back(&page);
  std::sort(ordered.begin(), ordered.end(), [](const MapPage* a, const MapPage* b) {
    return std::tie(a->label, a->number) < std::tie(b->label, b->number);
  });
  for (const MapPage* page : ordered) {
    manifest.map_page_bytes += page->stored_bytes;
    manifest.fetch_bytes += page->fetch_bytes;
    std::vector<MapPageRun>& runs = manifest.map_pages;
    if (!runs.empty() && runs.back().label == page->label && runs.back().last + 1 == page->number) {
      runs.back().last++;
    } else {
      runs.push_back({page->label, page->number, page->number});
    }
  }
}

Result<StoredFileMap> WriteFileMap(const Repository& repository, const std::string& label,
                                   const std::vector<PackEntry>& packs, const FileMap& map, const OpContext& ctx) {
  MapPageStore store(repository, label, packs, map.frames, 1, ctx);
  for (const MappedFile& file : map.files) {
    if (store.page_files() >= kPageFiles || store.page_extents() >= kPageExtents) PITR_TRY(store.EndPage());
    store.Add(MappedFile(file));
  }
  PITR_ASSIGN(std::vector<MapPage> pages, store.Finish());
  return StoreMapList(repository, label, std::move(pages), map.directories, map.links, ctx);
}

}  // namespace pitr
