// backup/<label>/partial.<pack number>: what one complete pack of a backup that has no manifest yet holds, so that a
// later backup can refer to it (docs/design/006-resume.md). A file map (file_map.h) whose only pack is that one; its
// files have only the extents that lie in it.
#pragma once
#include <string>
#include <vector>

#include "core/repo/manifest.h"
#include "core/repo/maps/file_map.h"

namespace pitr {

struct PartialMap {
  PackEntry pack;
  PartialHeader header;
  std::vector<MappedFrame> frames;  // of pack 0
  std::vector<MappedFile> files;    // ascending by path
};

// The pack must be complete. Errors as Repository::CreateObject. Memory: its text, twice.
Status WritePartialMap(const Repository& repository, const std::string& label, uint32_t pack, const PartialMap& map,
                       const OpContext& ctx);
// Checked as ReadFileMap does, and that every frame lies in the pack. kCorruption, kInvalidArgument for a newer
// version, kNotFound.
Result<PartialMap> ReadPartialMap(const Repository& repository, const std::string& label, uint32_t pack,
                                  const OpContext& ctx);

}  // namespace pitr
