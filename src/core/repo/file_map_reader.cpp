// Joins store, envelope and parser: a file map is decoded and checked while it comes in.
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

}  // namespace

Status StreamFileMap(const Repository& repository, const BackupManifest& manifest, FileMapSink sink,
                     const OpContext& ctx) {
  const std::string key = layout::BackupKey(manifest.label, layout::BackupObject::kFiles);
  Sha256Hasher digest;
  PITR_TRY(StreamMap(repository, ObjectKind::kFileMap, key, manifest.label, std::move(sink), &digest, ctx));
  const std::string sha256 = ToHex(digest.Finish());
  if (sha256 == manifest.file_map_sha256) return Status::Ok();
  return Status(Code::kCorruption, "object \"" + key + "\" is not the file map that the manifest of backup \"" +
                                       manifest.label + "\" was written for")
      .WithDetail("Its SHA-256 is " + sha256 + ", the manifest names " + manifest.file_map_sha256 + ".")
      .WithHint(
          "One of the two was put in another's place, or comes from an older copy of the repository. Bring back "
          "the one that belongs to the other, or use another backup.");
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
  return map;
}

}  // namespace pitr
