// What the file maps say about the frames of some packs, and the reads that cover them.
#pragma once
#include <cstdint>
#include <vector>

#include "core/repo/maps/file_map_parser.h"
#include "core/repo/maps/pack_read.h"
#include "core/verify/checked_packs.h"

namespace pitr {

// Extents that are held in memory at a time, 32 bytes each.
inline constexpr uint64_t kMaxExtentsHeld = uint64_t{2} << 20;

// A frame that some backup refers to; `pack` is the index in CheckedPacks::packs.
struct KnownFrame {
  uint32_t pack = 0;
  uint32_t stored_bytes = 0;
  uint32_t plain_bytes = 0;
  uint64_t offset = 0;
};

// A piece of a file, wherever it is in the file.
struct KnownExtent {
  uint32_t pack = 0;
  uint32_t frame_offset = 0;
  uint64_t offset = 0;  // of the frame
  uint32_t length = 0;
  uint64_t check = 0;
};

struct PackFrames {
  std::vector<KnownFrame> frames;    // ascending by pack and offset, each once
  std::vector<KnownExtent> extents;  // likewise
};

// As StreamMapPage; a frame's `pack` is the index in CheckedPacks::packs.
Status StreamTabledPage(const Repository& repository, const CheckedPacks& table, const TabledPage& page,
                        FileMapSink sink, const OpContext& ctx);

// Packs [first, result) can be looked at together: those that together have few enough extents, at least one.
size_t EndOfWindow(const CheckedPacks& table, size_t first, uint64_t max_extents = kMaxExtentsHeld);

// Reads the pages of file maps that list packs [first, end), each once. Memory: 24 bytes a frame, 32 bytes an extent.
Result<PackFrames> CollectFrames(const Repository& repository, const CheckedPacks& table, size_t first, size_t end,
                                 const OpContext& ctx);

// Pure. Frames that reach beyond what is stored of their pack are left out: it is known that they are missing.
std::vector<PackRead> PlanReads(const CheckedPacks& table, const PackFrames& known);

}  // namespace pitr
