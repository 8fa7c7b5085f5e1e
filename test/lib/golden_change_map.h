// The change map that the sample repositories of test/golden/repo-v1 hold. It speaks of no real segment: every field of
// the format has a value of its own. Never changes what is there.
#pragma once
#include <string>

#include "core/pg/segment_changes.h"

namespace pitr::test {

inline const std::string kGoldenMapSegment = "000000010000000000000002";

inline SegmentChanges GoldenChangeMap() {
  SegmentChanges segment;
  segment.pg_major = 15;
  segment.start = {0x200000};
  segment.size = 1u << 20;
  segment.head = {5000, 70, Bytes(70, 'h')};
  segment.tail = {{0x2FFF00}, 200, Bytes(200, 't')};
  BlockChanges& changes = segment.changes;
  const RelationFork few{{1663, 5, 16384}, Fork::kMain}, many{{16400, 5, 16385}, Fork::kMain};
  for (uint32_t block : {1u, 7u, 65535u, 65536u, 131072u, 4000000000u}) changes.AddBlock(few, block);
  for (uint32_t block = 3; block < 30000; block += 3) changes.AddBlock(many, block);
  changes.AddBlock({{1663, 5, 16386}, Fork::kInit}, 0);
  changes.LimitTo({{1664, 0, 1262}, Fork::kMain}, 4);
  changes.AddDroppedRelation({1663, 5, 16390});
  changes.AddDatabase(5, 16400);
  changes.AddDatabase(6, 1663);
  changes.AddTablespace(16500);
  return segment;
}

}  // namespace pitr::test
