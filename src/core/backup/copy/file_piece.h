// What was read of an open file, a frame's worth at the most. Borrows everything.
#pragma once
#include <cstdint>
#include <span>
#include <string>

#include "core/backup/extents/block_split.h"
#include "core/base/bytes.h"

namespace pitr {

struct FilePiece {
  int fd;
  const std::string& path;  // in the data directory
  uint64_t offset = 0;      // in the file
  ByteView bytes;
  std::span<const uint32_t> bad_blocks;  // of the file, ascending: what failed its checksum

  FileSpan span() const { return {offset, offset + bytes.size()}; }
  // `part` lies within span().
  ByteView BytesOf(FileSpan part) const { return bytes.subspan(part.from - offset, part.to - part.from); }
};

}  // namespace pitr
