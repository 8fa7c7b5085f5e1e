// Joins store, envelope and parser: list, pages and partial maps are decoded and checked while they come in.
#include <algorithm>
#include <numeric>

#include "core/base/sha256.h"
#include "core/repo/file_map_parser.h"
#include "core/repo/layout.h"

namespace pitr {
namespace {

Status StreamMap(const Repository& repository, ObjectKind kind, const std::string& key, const std::string& label,
                 FileMapSink sink, Sha256Hasher* digest, const OpContext& ctx) {
  FileMapParser parser(label, std::move(sink));
  Status parsed;
  ObjectStreamReader reader(kind, key, repository.key(), [&](ByteView plain) {
    PITR_TRY(ctx.Check());
    if (digest != nullptr) digest->Update(plain);
    parsed = parser.Feed(plain);
    return parsed;
  });
  Status got = repository.store().Get(
      key, {}, [&](ByteView stored) { return reader.Feed(stored); }, ctx);
  if (got.ok()) {
    auto whole = reader.Finish();
    got = whole.ok() ? (parsed = parser.Finish()) : std::move(whole).status();
  }
  // The parser speaks of lines; the reader and the store name the object themselves.
  if (!parsed.ok()) return std::move(parsed).Annotate("object \"" + key + "\"");
  return got;
}

Status OtherObject(const std::string& key, const std::string& what, const std::string& found,
                   const std::string& wanted) {
  return Status(Code::kCorruption, "object \"" + key + "\" is not " + what)
      .WithDetail("Its SHA-256 is " + found + ", not " + wanted + ".")
      .WithHint(
          "One of the two was put in another's place, or comes from an older copy of the repository. Bring back "
          "the one that belongs to the other, or use another backup.");
}

Status Misplaced(const char* what) {
  return {Code::kCorruption, std::string(what) + " where there is none in a file map"};
}

// What the manifest tells of pages is what the list names, each once.
Status CheckNamedPages(const BackupManifest& manifest, const MapPageList& list) {
  std::vector<std::string> named;
  ForEachMapPage(manifest, [&](std::string key) { named.push_back(std::move(key)); });
  std::vector<std::string> listed;
  uint64_t bytes = 0;
  for (const MapPage& page : list.pages) {
    listed.push_back(page.key());
    bytes += page.stored_bytes;
    for (const uint32_t pack : page.packs)
      if (pack >= manifest.packs.size())
        return {Code::kCorruption, "page \"" + page.key() + "\" is in a pack that the manifest does not name"};
  }
  std::sort(named.begin(), named.end());
  std::sort(listed.begin(), listed.end());
  if (named == listed && bytes == manifest.map_page_bytes) return Status::Ok();
  return {Code::kCorruption, "the pages are not those of which the manifest tells"};
}

// Whether a page holds what the list says of it.
class PageContent {
 public:
  PageContent(const std::vector<PackEntry>& packs, const MapPage& page) : packs_(packs), page_(page) {}

  Status Pack(const PackEntry& pack) {
    if (seen_packs_ == page_.packs.size() || page_.packs[seen_packs_] >= packs_.size()) return Other("packs");
    const PackEntry& listed = packs_[page_.packs[seen_packs_++]];
    return listed.key == pack.key && listed.size_bytes == pack.size_bytes ? Status::Ok() : Other("packs");
  }
  // The frame as the manifest counts packs.
  Result<MappedFrame> Frame(MappedFrame frame) const {
    if (seen_packs_ != page_.packs.size() || frame.pack >= page_.packs.size()) return Other("packs");
    frame.pack = page_.packs[frame.pack];
    return frame;
  }
  Status File(const MappedFile& file) {
    if (files_++ == 0 && file.path != page_.first_path) return Other("files");
    bytes_ += file.size_bytes;
    return Status::Ok();
  }
  Status End() const {
    return files_ == page_.files && bytes_ == page_.file_bytes && seen_packs_ == page_.packs.size() ? Status::Ok()
                                                                                                    : Other("files");
  }

 private:
  Status Other(const char* what) const {
    return {Code::kCorruption, "object \"" + page_.key() + "\" has other " + what + " than the file map says"};
  }
  const std::vector<PackEntry>& packs_;
  const MapPage& page_;
  size_t seen_packs_ = 0;
  uint64_t files_ = 0;
  uint64_t bytes_ = 0;
};

// A frame may be in several pages: gives each its first number, and the extents that.
void UniteFrames(FileMap& map) {
  const auto place = [&](uint32_t i) { return std::pair(map.frames[i].pack, map.frames[i].ref.offset); };
  std::vector<uint32_t> order(map.frames.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(),
            [&](uint32_t a, uint32_t b) { return std::pair(place(a), a) < std::pair(place(b), b); });
  std::vector<uint32_t> first(order.size());
  for (size_t i = 0; i < order.size(); i++)
    first[order[i]] = i > 0 && place(order[i - 1]) == place(order[i]) ? first[order[i - 1]] : order[i];
  std::vector<MappedFrame> frames;
  for (uint32_t i = 0; i < first.size(); i++) {
    const bool is_first = first[i] == i;
    first[i] = is_first ? static_cast<uint32_t>(frames.size()) : first[first[i]];
    if (is_first) frames.push_back(map.frames[i]);
  }
  if (frames.size() == map.frames.size()) return;
  for (MappedFile& file : map.files)
    for (Extent& extent : file.extents) extent.frame = first[extent.frame];
  map.frames = std::move(frames);
}

}  // namespace

std::string MapPage::key() const { return layout::MapPageKey(label, number); }

Result<MapPageList> ReadMapPages(const Repository& repository, const BackupManifest& manifest, const OpContext& ctx) {
  const std::string key = layout::BackupKey(manifest.label, layout::BackupObject::kFiles);
  MapPageList list;
  FileMapSink sink;
  sink.partial = [](const PartialHeader&) { return Misplaced("the header of a partial map"); };
  sink.pack = [](PackEntry&&) { return Misplaced("a pack"); };
  sink.frame = [](const MappedFrame&) { return Misplaced("a frame"); };
  sink.file = [](MappedFile&&) { return Misplaced("a file"); };
  sink.directory = [&](MappedDirectory&& directory) {
    list.directories.push_back(std::move(directory));
    return Status::Ok();
  };
  sink.page = [&](MapPage&& page) -> Status {
    if (list.pages.size() == kMaxMapPages) return {Code::kCorruption, "too many pages"};
    list.pages.push_back(std::move(page));
    return Status::Ok();
  };
  sink.link = [&](MappedLink&& link) {
    list.links.push_back(std::move(link));
    return Status::Ok();
  };
  Sha256Hasher digest;
  PITR_TRY(StreamMap(repository, ObjectKind::kFileMap, key, manifest.label, std::move(sink), &digest, ctx));
  const std::string sha256 = ToHex(digest.Finish());
  if (sha256 != manifest.file_map_sha256)
    return OtherObject(key, "the file map that the manifest of backup \"" + manifest.label + "\" was written for",
                       sha256, manifest.file_map_sha256);
  PITR_TRY(CheckNamedPages(manifest, list).Annotate("object \"" + key + "\""));
  return list;
}

Status StreamMapPage(const Repository& repository, const std::vector<PackEntry>& packs, const MapPage& page,
                     FileMapSink to, const OpContext& ctx) {
  PageContent content(packs, page);
  FileMapSink sink;
  sink.partial = [](const PartialHeader&) { return Misplaced("the header of a partial map"); };
  sink.directory = [](MappedDirectory&&) { return Misplaced("a directory"); };
  sink.page = [](MapPage&&) { return Misplaced("a page"); };
  sink.link = [](MappedLink&&) { return Misplaced("a link"); };
  sink.pack = [&](PackEntry&& pack) { return content.Pack(pack); };
  sink.frame = [&](const MappedFrame& in_page) -> Status {
    PITR_ASSIGN(const MappedFrame frame, content.Frame(in_page));
    return to.frame ? to.frame(frame) : Status::Ok();
  };
  sink.file = [&](MappedFile&& file) -> Status {
    PITR_TRY(content.File(file));
    return to.file ? to.file(std::move(file)) : Status::Ok();
  };
  Sha256Hasher digest;
  PITR_TRY(StreamMap(repository, ObjectKind::kMapPage, page.key(), page.label, std::move(sink), &digest, ctx));
  const std::string sha256 = ToHex(digest.Finish());
  if (sha256 != page.sha256)
    return OtherObject(page.key(), "the page that the file map was written for", sha256, page.sha256);
  return content.End();
}

Status StreamFileMap(const Repository& repository, const BackupManifest& manifest, FileMapSink sink,
                     const OpContext& ctx) {
  PITR_ASSIGN(MapPageList list, ReadMapPages(repository, manifest, ctx));
  for (MappedDirectory& directory : list.directories)
    if (sink.directory) PITR_TRY(sink.directory(std::move(directory)));
  uint64_t frames = 0;  // of the pages before
  for (size_t i = 0; i < list.pages.size(); i++) {
    const std::string* next = i + 1 < list.pages.size() ? &list.pages[i + 1].first_path : nullptr;
    uint64_t in_page = 0;
    FileMapSink of_page;
    of_page.frame = [&](const MappedFrame& frame) -> Status {
      if (frames + ++in_page > UINT32_MAX) return {Code::kCorruption, "too many frames in one backup"};
      return sink.frame ? sink.frame(frame) : Status::Ok();
    };
    of_page.file = [&](MappedFile&& file) -> Status {
      if (next != nullptr && file.path >= *next)
        return {Code::kCorruption, "a file that belongs into the next page of the file map"};
      for (Extent& extent : file.extents) extent.frame += static_cast<uint32_t>(frames);
      return sink.file ? sink.file(std::move(file)) : Status::Ok();
    };
    PITR_TRY(StreamMapPage(repository, manifest.packs, list.pages[i], std::move(of_page), ctx));
    frames += in_page;
  }
  for (MappedLink& link : list.links)
    if (sink.link) PITR_TRY(sink.link(std::move(link)));
  return Status::Ok();
}

Status StreamPartialMap(const Repository& repository, const std::string& label, uint32_t pack, FileMapSink sink,
                        const OpContext& ctx) {
  const std::string key = layout::PartialKey(label, pack);
  return StreamMap(repository, ObjectKind::kPartialMap, key, label, std::move(sink), nullptr, ctx);
}

Result<FileMap> ReadFileMap(const Repository& repository, const BackupManifest& manifest, const OpContext& ctx) {
  FileMap map;
  FileMapSink sink;
  sink.frame = [&](const MappedFrame& frame) {
    map.frames.push_back(frame);
    return Status::Ok();
  };
  sink.directory = [&](MappedDirectory&& directory) {
    map.directories.push_back(std::move(directory));
    return Status::Ok();
  };
  sink.file = [&](MappedFile&& file) {
    map.files.push_back(std::move(file));
    return Status::Ok();
  };
  sink.link = [&](MappedLink&& link) {
    map.links.push_back(std::move(link));
    return Status::Ok();
  };
  PITR_TRY(StreamFileMap(repository, manifest, std::move(sink), ctx));
  UniteFrames(map);
  return map;
}

}  // namespace pitr
