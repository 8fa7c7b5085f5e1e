// Joins store, envelope and parser: list, pages and partial maps are decoded and checked while they come in.
#include <algorithm>

#include "core/base/sha256.h"
#include "core/repo/layout.h"
#include "core/repo/maps/file_map_parser.h"

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

Status StreamPartialMap(const Repository& repository, const std::string& label, uint32_t pack, FileMapSink sink,
                        const OpContext& ctx) {
  const std::string key = layout::PartialKey(label, pack);
  return StreamMap(repository, ObjectKind::kPartialMap, key, label, std::move(sink), nullptr, ctx);
}

}  // namespace pitr
