// Extents in as few bytes as tell them apart from those before: 2 or 3 for a part of what an earlier backup stored as a
// whole, some 14 for a changed block, of which 8 are its check, instead of 32. What an increment must hold of its
// parent's map are mostly these. One writer; constant, and for any thread, once written.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/backup/extents/block_split.h"
#include "core/base/bytes.h"
#include "core/repo/maps/file_map.h"

namespace pitr {

class PackedExtents {
 public:
  // Where some extents of a file are that were added together.
  struct Run {
    const uint8_t* at = nullptr;
    uint32_t count = 0;
  };

  // Ascending by file_offset and not overlapping. The run is good for as long as this object.
  Run Add(std::span<const Extent> extents);
  // Appends those of a run that have bytes in `span` to `out`.
  static void Read(Run run, FileSpan span, std::vector<Extent>& out);

  // What is allocated.
  size_t held_bytes() const { return held_bytes_; }

 private:
  uint8_t* Allocate(size_t bytes);
  std::vector<std::unique_ptr<uint8_t[]>> chunks_;
  uint8_t* free_ = nullptr;  // in the chunk that small runs share
  size_t free_bytes_ = 0;
  size_t held_bytes_ = 0;
  Bytes text_;  // of the run being added
};

}  // namespace pitr
