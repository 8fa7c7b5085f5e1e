#include "core/repo/maps/partial_map.h"

#include "core/repo/layout.h"
#include "core/repo/maps/file_map_parser.h"
#include "core/repo/maps/file_map_writer.h"

namespace pitr {

Status WritePartialMap(const Repository& repository, const std::string& label, uint32_t pack, const PartialMap& map,
                       const OpContext& ctx) {
  std::string text;
  FileMapFormatter formatter(text);
  formatter.Header(label, &map.header);
  formatter.Frames(map.frames);
  for (const MappedFile& file : map.files) formatter.File(file);
  formatter.End();
  return StoreMapText(repository, ObjectKind::kPartialMap, layout::PartialKey(label, pack), label, text, ctx).status();
}

Result<PartialMap> ReadPartialMap(const Repository& repository, const std::string& label, uint32_t pack,
                                  const OpContext& ctx) {
  PartialMap map;
  bool has_header = false;
  FileMapSink sink;
  sink.partial = [&](const PartialHeader& header) {
    map.header = header;
    has_header = true;
    return Status::Ok();
  };
  sink.frame = [&](const MappedFrame& frame) -> Status {
    if (frame.pack != 0 || frame.ref.offset + frame.ref.stored_bytes > map.header.pack_bytes)
      return {Code::kCorruption, "a frame outside the pack that the map is about"};
    map.frames.push_back(frame);
    return Status::Ok();
  };
  sink.file = [&](MappedFile&& file) {
    map.files.push_back(std::move(file));
    return Status::Ok();
  };
  PITR_TRY(StreamPartialMap(repository, label, pack, std::move(sink), ctx));
  if (!has_header)
    return Status(Code::kCorruption,
                  "object \"" + layout::PartialKey(label, pack) + "\": the header does not tell the pack's size");
  map.pack = {layout::PackKey(label, pack), map.header.pack_bytes};
  return map;
}

}  // namespace pitr
