// Reads of packs: frames that lie close together are read at once.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/repo/maps/file_map.h"

namespace pitr {

// At the most in one read, but for a single frame that is larger.
inline constexpr uint64_t kPackReadBytes = uint64_t{8} << 20;
// Unneeded bytes that are read over rather than asked for apart.
inline constexpr uint64_t kPackGapBytes = uint64_t{128} << 10;

// Bytes [begin, end) of a pack, and what of the caller's list lies in them: [first, first + count).
struct PackRead {
  uint32_t pack = 0;
  uint64_t begin = 0;
  uint64_t end = 0;
  size_t first = 0;
  size_t count = 0;
};

// Adds element `index` of a list that is ascending by pack and offset, and that needs `frame`: to the last read, when
// that has the frame already or can reach it and no element in between was left out; else as a read of its own.
void AddToReads(std::vector<PackRead>& reads, size_t index, uint32_t pack, const FrameRef& frame,
                uint64_t read_bytes = kPackReadBytes, uint64_t gap_bytes = kPackGapBytes);

}  // namespace pitr
