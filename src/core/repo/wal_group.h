// Groups of WAL segments: those of 1 TiB of WAL, 65,536 of 16 MiB, which are stored below one prefix. Pure functions.
#pragma once
#include "core/pg/lsn.h"

namespace pitr {

struct WalGroup {
  Timeline timeline;
  uint32_t number = 0;  // the log number without its last two digits
  auto operator<=>(const WalGroup&) const = default;
};

// Consecutive segments of one timeline.
struct SegmentRange {
  Timeline timeline;
  SegmentNo first;
  SegmentNo last;  // inclusive
};

constexpr uint64_t SegmentsInGroup(uint32_t segment_size) { return (uint64_t{1} << 40) / segment_size; }

constexpr WalGroup GroupOf(Timeline timeline, SegmentNo segment, uint32_t segment_size) {
  return {timeline, static_cast<uint32_t>(segment.value / SegmentsInGroup(segment_size))};
}

constexpr SegmentRange SegmentsOf(const WalGroup& group, uint32_t segment_size) {
  const uint64_t first = group.number * SegmentsInGroup(segment_size);
  return {group.timeline, {first}, {first + SegmentsInGroup(segment_size) - 1}};
}

}  // namespace pitr
