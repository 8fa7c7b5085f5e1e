// Whatever a change map says, parsing it does not crash; what is accepted is written as it was read, and can be joined.
#include "core/repo/archive/change_map.h"

#include <cstdlib>

#include "fuzz/target.h"

PITR_FUZZ_TARGET(change_map)(const uint8_t* data, size_t size) {
  const auto map = pitr::ParseChangeMap({data, size});
  if (!map.ok()) return 0;
  const pitr::Bytes again = pitr::EncodeChangeMap(map.value());
  const auto twice = pitr::ParseChangeMap(again);
  if (!twice.ok() || pitr::EncodeChangeMap(twice.value()) != again) abort();
  pitr::SegmentChangesJoiner joiner;
  if (!joiner.Add(map.value()).ok()) return 0;
  pitr::SegmentChanges next = map.value();
  next.start.value += next.size;
  (void)joiner.Add(next);
  const pitr::BlockChanges changes = joiner.Take();
  for (const pitr::RelationFork& fork : changes.SortedForks()) (void)changes.ChangedBlocks(fork, 0, 100);
  return 0;
}
