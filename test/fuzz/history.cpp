// Anything as a timeline history file.
#include "core/pg/history.h"

#include <cstdlib>

#include "core/base/bytes.h"
#include "fuzz/target.h"

PITR_FUZZ_TARGET(history)(const uint8_t* data, size_t size) {
  using namespace pitr;
  const auto history = TimelineHistory::Parse({100}, AsText({data, size}));
  if (!history.ok()) return 0;
  for (const TimelineEntry& entry : history.value().entries()) {
    if (entry.end.valid() && entry.end < entry.begin) abort();
    if (entry.end > entry.begin && history.value().TimelineContaining(entry.begin) != entry.timeline) abort();
    if (entry.end > entry.begin && !history.value().ReachedFrom(entry.timeline, entry.end)) abort();
    (void)history.value().TimelineOfSegment(SegmentOf(entry.begin, 16u << 20), 16u << 20);
  }
  return 0;
}
