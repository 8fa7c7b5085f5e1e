// Whatever a file map (a list, a page, a partial map) says, parsing it neither crashes nor depends on how it is cut;
// what is accepted survives another round.
#include "core/repo/maps/file_map_parser.h"
#include "core/repo/maps/file_map_writer.h"
#include "fuzz/target.h"

namespace {

struct Parsed {
  pitr::Status status;
  std::string text;
};

Parsed Parse(pitr::ByteView bytes, size_t piece) {
  Parsed parsed;
  pitr::FileMap map;
  std::vector<pitr::PackEntry> packs;
  std::vector<pitr::MapPage> pages;
  pitr::FileMapSink sink;
  sink.partial = [](const pitr::PartialHeader&) { return pitr::Status::Ok(); };
  sink.pack = [&](pitr::PackEntry&& pack) { return packs.push_back(std::move(pack)), pitr::Status::Ok(); };
  sink.page = [&](pitr::MapPage&& page) { return pages.push_back(std::move(page)), pitr::Status::Ok(); };
  sink.frame = [&](const pitr::MappedFrame& frame) { return map.frames.push_back(frame), pitr::Status::Ok(); };
  sink.directory = [&](pitr::MappedDirectory&& d) {
    return map.directories.push_back(std::move(d)), pitr::Status::Ok();
  };
  sink.file = [&](pitr::MappedFile&& file) { return map.files.push_back(std::move(file)), pitr::Status::Ok(); };
  sink.link = [&](pitr::MappedLink&& link) { return map.links.push_back(std::move(link)), pitr::Status::Ok(); };
  pitr::FileMapParser parser("", std::move(sink));
  for (size_t at = 0; at < bytes.size() && parsed.status.ok(); at += piece)
    parsed.status = parser.Feed(bytes.subspan(at, std::min(piece, bytes.size() - at)));
  if (parsed.status.ok()) parsed.status = parser.Finish();
  if (!parsed.status.ok()) return parsed;
  pitr::FileMapFormatter formatter(parsed.text);
  formatter.Header("fuzz");
  for (const auto& pack : packs) formatter.Pack(pack);
  formatter.Frames(map.frames);
  for (const auto& directory : map.directories) formatter.Directory(directory);
  for (const auto& page : pages) formatter.Page(page);
  for (const auto& file : map.files) formatter.File(file);
  for (const auto& link : map.links) formatter.Link(link);
  formatter.End();
  return parsed;
}

}  // namespace

PITR_FUZZ_TARGET(file_map)(const uint8_t* data, size_t size) {
  const Parsed whole = Parse({data, size}, SIZE_MAX / 2);
  const Parsed pieces = Parse({data, size}, 5);
  if (whole.status.code() != pieces.status.code() || whole.text != pieces.text) __builtin_trap();
  if (!whole.status.ok()) return 0;
  const Parsed again = Parse(pitr::AsBytes(whole.text), SIZE_MAX / 2);
  if (!again.status.ok() || again.text != whole.text) __builtin_trap();
  return 0;
}
