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
  segment.actions_known = false;  // it is of version 1 of the map
  return segment;
}

// Of version 2, with everything that replay does besides changing blocks.
inline const std::string kGoldenActionsSegment = "000000010000000000000003";

inline SegmentChanges GoldenActionsMap() {
  using Kind = ReplayAction::Kind;
  SegmentChanges segment;
  segment.pg_major = 15;
  segment.start = {0x300000};
  segment.size = 1u << 20;
  segment.changes.AddTablespace(16500);
  ReplayAction made{.kind = Kind::kTablespaceCreated, .start = {0x300028}, .xid = 800, .oid = 16500, .path = "/srv/ts"};
  made.ended = {0x300100};
  made.committed = true;
  ReplayAction settings{.kind = Kind::kSettings, .start = {0x300200}};
  settings.limits = {.max_connections = 300,
                     .max_worker_processes = 20,
                     .max_wal_senders = 12,
                     .max_prepared_transactions = 5,
                     .max_locks_per_transaction = 128};
  settings.wal_level = WalLevel::kLogical;
  const ReplayAction dropped{.kind = Kind::kDatabaseDropped, .start = {0x300300}, .xid = 810, .oid = 16600};
  ReplayAction rolled_back{.kind = Kind::kTablespaceDropped, .start = {0x300400}, .xid = 811, .oid = 16500};
  rolled_back.ended = {0x300480};
  segment.actions = {made, settings, dropped, rolled_back};
  return segment;
}

}  // namespace pitr::test
