#include "core/repo/maps/pack_read.h"

#include <algorithm>
#include <cassert>

namespace pitr {

void AddToReads(std::vector<PackRead>& reads, size_t index, uint32_t pack, const FrameRef& frame, uint64_t read_bytes,
                uint64_t gap_bytes) {
  const uint64_t end = frame.offset + frame.stored_bytes;
  if (!reads.empty()) {
    PackRead& last = reads.back();
    assert(last.first + last.count <= index && (last.pack < pack || (last.pack == pack && last.begin <= frame.offset)));
    const bool near = last.pack == pack && last.first + last.count == index && frame.offset <= last.end + gap_bytes;
    if (near && (end <= last.end || end - last.begin <= read_bytes)) {
      last.end = std::max(last.end, end);
      ++last.count;
      return;
    }
  }
  reads.push_back({pack, frame.offset, end, index, 1});
}

}  // namespace pitr
