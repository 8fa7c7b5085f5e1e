// Joins store, envelope and parser: a file map is decoded and checked while it comes in.
#include "core/repo/file_map_parser.h"
#include "core/repo/layout.h"

namespace pitr {
namespace {

Status StreamMap(const Repository& repository, ObjectKind kind, const std::string& key, const std::string& label,
                 FileMapSink sink, const OpContext& ctx) {
  FileMapParser parser(label, std::move(sink));
  Status parsed;
  ObjectStreamReader reader(kind, key, repository.key(), [&](ByteView plain) {
    PITR_TRY(ctx.Check());
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

Status StreamFileMap(const Repository& repository, const std::string& label, FileMapSink sink, const OpContext& ctx) {
  const std::string key = layout::BackupKey(label, layout::BackupObject::kFiles);
  return StreamMap(repository, ObjectKind::kFileMap, key, label, std::move(sink), ctx);
}

Status StreamPartialMap(const Repository& repository, const std::string& label, uint32_t pack, FileMapSink sink,
                        const OpContext& ctx) {
  const std::string key = layout::PartialKey(label, pack);
  return StreamMap(repository, ObjectKind::kPartialMap, key, label, std::move(sink), ctx);
}

Result<FileMap> ReadFileMap(const Repository& repository, const std::string& label, const OpContext& ctx) {
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
  PITR_TRY(StreamFileMap(repository, label, std::move(sink), ctx));
  return map;
}

}  // namespace pitr
