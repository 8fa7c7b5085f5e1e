// Synthetic WAL of every version: what segments say of changed blocks, and how it is put together.
#include "core/pg/segment_changes.h"

#include <gtest/gtest.h>

#include <functional>

#include "core/pg/wal_changes.h"
#include "core/pg/wal_reader.h"
#include "unit/pg/wal_builder.h"

namespace pitr {
namespace {

constexpr uint32_t kSegmentSize = WalBuilder::kSegmentSize;
constexpr Lsn kStart{3u << 20};
const RelationFork kTable{{1663, 5, 16384}, Fork::kMain};
using Blocks = std::vector<uint32_t>;
using Unknown = BlockChanges::Unknown;

Bytes Words(std::initializer_list<uint32_t> words) {
  Bytes bytes;
  for (uint32_t word : words) AppendLe(bytes, word);
  return bytes;
}

// A record's body with references to these blocks of one fork (the second and later ones as "same relation"), each
// with `data` bytes, and then main data.
Bytes BlocksBody(const RelationFork& fork, const Blocks& blocks, size_t data, size_t main = 4) {
  Bytes body;
  for (size_t i = 0; i < blocks.size(); i++) {
    body.push_back(static_cast<uint8_t>(i));
    body.push_back(static_cast<uint8_t>(static_cast<int>(fork.fork) | (data > 0 ? 0x20 : 0) | (i > 0 ? 0x80 : 0)));
    AppendLe(body, static_cast<uint16_t>(data));
    if (i == 0)
      for (uint32_t word : {fork.relation.tablespace, fork.relation.database, fork.relation.number})
        AppendLe(body, word);
    AppendLe(body, blocks[i]);
  }
  Bytes tail(blocks.size() * data, 0x77);
  if (main > 255) {
    body.push_back(254);
    AppendLe(body, static_cast<uint32_t>(main));
  } else {
    body.insert(body.end(), {255, static_cast<uint8_t>(main)});
  }
  tail.insert(tail.end(), main, 0x33);
  body.insert(body.end(), tail.begin(), tail.end());
  return body;
}

Lsn AddBlocks(WalBuilder& wal, const RelationFork& fork, const Blocks& blocks, size_t data = 20, size_t main = 4) {
  return wal.Add(static_cast<Rmgr>(10), 0, BlocksBody(fork, blocks, data, main));  // Heap
}

Result<BlockChanges> Join(WalBuilder& wal, uint64_t segments, uint64_t first = 3) {
  SegmentChangesJoiner joiner;
  for (uint64_t no = first; no < first + segments; no++) {
    auto segment = ReadSegmentChanges(wal.Segment({no}), SegmentStart({no}, kSegmentSize));
    if (!segment.ok()) return segment.status();
    EXPECT_LE(segment.value().head.bytes.size() + segment.value().tail.bytes.size(), 2 * SegmentChanges::kPieceBytes);
    Status added = joiner.Add(segment.value());
    if (!added.ok()) return added;
  }
  return joiner.Take();
}

class SegmentChangesOfVersion : public testing::TestWithParam<int> {
 protected:
  WalBuilder wal_{GetParam()};
  // Leaves `room` bytes of the current segment.
  void FillUntil(uint32_t room) {
    while (kSegmentSize - wal_.at().value % kSegmentSize > room + 8300) wal_.AddFiller(4000);
    const uint64_t left = kSegmentSize - wal_.at().value % kSegmentSize;
    ASSERT_GT(left, room + 40);
    for (size_t size = left - room - 40; kSegmentSize - wal_.at().value % kSegmentSize > room + 48;) {
      wal_.AddFiller(std::min<size_t>(size, kSegmentSize - wal_.at().value % kSegmentSize - room - 40));
      size = 8;
    }
  }
};

INSTANTIATE_TEST_SUITE_P(All, SegmentChangesOfVersion, testing::Range(15, 20));

TEST_P(SegmentChangesOfVersion, BlocksOfRecords) {
  AddBlocks(wal_, kTable, {3, 9, 70000});
  AddBlocks(wal_, {kTable.relation, Fork::kVisibilityMap}, {1});
  AddBlocks(wal_, {kTable.relation, Fork::kInit}, {0}, 0);
  wal_.Switch();
  auto joined = Join(wal_, 1);
  ASSERT_TRUE(joined.ok()) << joined.status().ToString();
  EXPECT_EQ(joined.value().ChangedBlocks(kTable, 0, 131072), (Blocks{3, 9, 70000}));
  EXPECT_EQ(joined.value().ChangedBlocks({kTable.relation, Fork::kInit}, 0, 10), Blocks{0});
  EXPECT_EQ(joined.value().SortedForks().size(), 2u);
}

Bytes Tablespace(uint32_t oid, std::string_view path) {
  Bytes data = Words({oid});
  data.insert(data.end(), path.begin(), path.end());
  data.push_back(0);
  return data;
}

TEST_P(SegmentChangesOfVersion, WhatReplayDoesBesides) {
  using Kind = ReplayAction::Kind;
  const Lsn made = wal_.AddData(Rmgr::kTablespace, 0x00, Tablespace(16600, "/srv/t"), 700);
  const Lsn dropping = wal_.AddData(Rmgr::kDatabase, 0x20, Words({22, 2, 1663, 16500}), 701);
  const Lsn committed = wal_.AddData(Rmgr::kTransaction, 0x00, Words({0, 0}), 700);
  const Lsn moved = wal_.AddData(Rmgr::kDatabase, 0x20, Words({23, 1, 1663}));
  const Lsn set = wal_.AddData(Rmgr::kXlog, 0x60, Words({150, 20, 12, 5, 70, 1, 1}), 0);
  // Its record goes on in the next segment, and so does what its maps say.
  FillUntil(48);
  const Lsn crossing = wal_.AddData(Rmgr::kTablespace, 0x00, Tablespace(16601, std::string(300, 'x')), 702);
  const Lsn aborted = wal_.AddData(Rmgr::kTransaction, 0x20, Words({0, 0}), 701);
  wal_.Switch();
  SegmentChangesJoiner joiner;
  for (uint64_t no : {3u, 4u}) {
    auto segment = ReadSegmentChanges(wal_.Segment({no}), SegmentStart({no}, kSegmentSize));
    ASSERT_TRUE(segment.ok()) << segment.status().ToString();
    if (no == 3) {
      ASSERT_EQ(segment.value().actions.size(), 4u);
      EXPECT_EQ(segment.value().actions[0].ended, committed);
      EXPECT_TRUE(segment.value().actions[0].committed);
    }
    ASSERT_TRUE(joiner.Add(segment.value()).ok());
  }
  const std::vector<ReplayAction> actions = joiner.TakeActions();
  ASSERT_EQ(actions.size(), 5u);
  EXPECT_EQ(actions[0].start, made);
  EXPECT_EQ(actions[0].path, "/srv/t");
  EXPECT_EQ(actions[1].kind, Kind::kDatabaseDropped);
  EXPECT_EQ(actions[1].start, dropping);
  EXPECT_EQ(actions[1].oid, 22u);
  EXPECT_EQ(actions[1].xid, 701u);
  EXPECT_FALSE(actions[1].ended.valid()) << "it ended at " << aborted.ToString() << ", in another segment";
  EXPECT_EQ(actions[2].start, moved);
  EXPECT_EQ(actions[2].xid, 0u);
  EXPECT_EQ(actions[3].start, set);
  EXPECT_EQ(actions[3].limits, (RecoveryLimits{150, 20, 12, 5, 70}));
  EXPECT_EQ(actions[3].wal_level, WalLevel::kReplica);
  EXPECT_EQ(actions[4].start, crossing);
  EXPECT_EQ(actions[4].path, std::string(300, 'x'));
}

TEST_P(SegmentChangesOfVersion, RecordsOfWholeRelations) {
  wal_.AddData(Rmgr::kStorage, 0x10, Words({1663, 5, 100, 0}));      // created
  wal_.AddData(Rmgr::kStorage, 0x20, Words({12, 1663, 5, 101, 7}));  // truncated to 12, all forks
  wal_.AddData(Rmgr::kStorage, 0x20, Words({12, 1663, 5, 102, 6}));  // maps only
  wal_.AddData(Rmgr::kDatabase, 0x00, Words({20, 1663, 1, 1663}));   // copied
  wal_.AddData(Rmgr::kDatabase, 0x10, Words({21, 1663}));            // logged
  wal_.AddData(Rmgr::kDatabase, 0x20, Words({22, 2, 1663, 16500}));  // dropped
  wal_.AddData(Rmgr::kTablespace, 0x00, Tablespace(16600, "/t"));
  wal_.AddData(Rmgr::kTablespace, 0x10, Words({16601}));
  Bytes commit = Words({0, 0, 4, 2, 1663, 5, 103, 1663, 5, 104});  // time, xinfo, two relations
  wal_.AddData(Rmgr::kTransaction, 0x80, commit, 700);
  wal_.AddData(Rmgr::kTransaction, 0xA0, Words({0, 0, 4, 1, 1663, 5, 105}), 701);  // an abort takes its new ones away
  wal_.Switch();
  auto joined = Join(wal_, 1);
  ASSERT_TRUE(joined.ok()) << joined.status().ToString();
  const BlockChanges& changes = joined.value();
  auto limit = [&](uint32_t number) {
    const ForkChanges* fork = changes.Find({{1663, 5, number}, Fork::kMain});
    return fork != nullptr ? fork->limit : ForkChanges::kNoLimit;
  };
  EXPECT_EQ(limit(100), 0u);
  EXPECT_EQ(limit(101), 12u);
  EXPECT_EQ(limit(102), ForkChanges::kNoLimit);
  for (uint32_t number : {103, 104, 105}) EXPECT_EQ(limit(number), 0u) << number;
  using Pairs = std::set<std::pair<uint32_t, uint32_t>>;
  EXPECT_EQ(changes.databases(), (Pairs{{20, 1663}, {21, 1663}, {22, 1663}, {22, 16500}}));
  EXPECT_EQ(changes.tablespaces(), (std::set<uint32_t>{16600, 16601}));
  EXPECT_EQ(changes.unknown(), Unknown::kNothing);
}

TEST_P(SegmentChangesOfVersion, KnowledgeEnds) {
  wal_.AddData(Rmgr::kXlog, 0x60, Words({100, 8, 10, 0, 64, 1, 0, 0}));  // wal_level replica
  const Lsn minimal = wal_.AddData(Rmgr::kXlog, 0x60, Words({100, 8, 10, 0, 64, 0, 0, 0}));
  wal_.AddData(Rmgr::kXlog, 0x60, Words({100, 8, 10, 0, 64, 1, 0, 0}));
  wal_.Switch();
  auto joined = Join(wal_, 1);
  ASSERT_TRUE(joined.ok()) << joined.status().ToString();
  EXPECT_EQ(joined.value().unknown(), Unknown::kMinimalWal);
  EXPECT_EQ(joined.value().unknown_at(), minimal);
  if (GetParam() < 19) return;
  WalBuilder wal(GetParam());
  wal.AddData(Rmgr::kXlog2, 0x00, Words({1}));
  wal.Switch();
  joined = Join(wal, 1);
  ASSERT_TRUE(joined.ok()) << joined.status().ToString();
  EXPECT_EQ(joined.value().unknown(), Unknown::kChecksums);
}

// A record cut by the end of the segment at every place of its headers.
TEST_P(SegmentChangesOfVersion, RecordsThatCrossTheEndOfTheirSegment) {
  for (uint32_t room = 8; room <= 160; room += 8) {
    wal_ = WalBuilder(GetParam());
    FillUntil(room);
    AddBlocks(wal_, kTable, {1, 2, 3, 4, 5, 6});
    AddBlocks(wal_, kTable, {100});
    wal_.Switch();
    auto joined = Join(wal_, 2);
    ASSERT_TRUE(joined.ok()) << joined.status().ToString();
    EXPECT_EQ(joined.value().ChangedBlocks(kTable, 0, 1000), (Blocks{1, 2, 3, 4, 5, 6, 100})) << room;
    // Without the first segment the record began before what is asked for.
    joined = Join(wal_, 1, 4);
    ASSERT_TRUE(joined.ok()) << joined.status().ToString();
    const auto later = joined.value().ChangedBlocks(kTable, 0, 1000);
    EXPECT_TRUE(later == Blocks{100} || later == (Blocks{1, 2, 3, 4, 5, 6, 100})) << room;
  }
}

// Of the segment that it ends in a switch uses nothing but its own rest.
TEST_P(SegmentChangesOfVersion, ASwitchThatCrossesTheEndOfItsSegment) {
  for (uint32_t room : {8u, 16u}) {
    wal_ = WalBuilder(GetParam());
    AddBlocks(wal_, kTable, {1});
    FillUntil(64);
    wal_.AddFiller(kSegmentSize - wal_.at().value % kSegmentSize - room - kWalRecordHeaderSize - 2);
    ASSERT_EQ(wal_.at().value % kSegmentSize, kSegmentSize - room);
    wal_.Switch();
    ASSERT_EQ(wal_.at(), Lsn{5u << 20});
    AddBlocks(wal_, kTable, {2});
    wal_.Switch();
    auto joined = Join(wal_, 3);
    ASSERT_TRUE(joined.ok()) << room << ": " << joined.status().ToString();
    EXPECT_EQ(joined.value().ChangedBlocks(kTable, 0, 1000), (Blocks{1, 2})) << room;
    joined = Join(wal_, 2, 4);
    ASSERT_TRUE(joined.ok()) << room << ": " << joined.status().ToString();
    EXPECT_EQ(joined.value().ChangedBlocks(kTable, 0, 1000), Blocks{2}) << room;
  }
}

TEST_P(SegmentChangesOfVersion, RecordsLongerThanTheirPieces) {
  FillUntil(64);
  AddBlocks(wal_, kTable, {1, 2, 3}, 60000, 100);  // 180,000 bytes
  FillUntil(300000);
  AddBlocks(wal_, kTable, {4, 5, 6}, 10, 2500000);  // over two segments and more
  AddBlocks(wal_, kTable, {7});
  FillUntil(64);
  Bytes message(200000, 0x42);
  wal_.AddData(static_cast<Rmgr>(21), 0x00, message);  // LogicalMessage
  wal_.Switch();
  const uint64_t segments = wal_.at().value / kSegmentSize - 3;
  auto joined = Join(wal_, segments);
  ASSERT_TRUE(joined.ok()) << joined.status().ToString();
  EXPECT_EQ(joined.value().ChangedBlocks(kTable, 0, 1000), (Blocks{1, 2, 3, 4, 5, 6, 7}));
  EXPECT_EQ(joined.value().unknown(), Unknown::kNothing);
}

TEST_P(SegmentChangesOfVersion, ALongCommitThatDropsRelations) {
  for (uint32_t relations : {2000u, 20000u}) {
    wal_ = WalBuilder(GetParam());
    FillUntil(64);
    Bytes commit = Words({0, 0, 4, relations});
    for (uint32_t n = 0; n < relations; n++)
      for (uint32_t word : {1663u, 5u, 20000u + n}) AppendLe(commit, word);
    const Lsn at = wal_.AddData(Rmgr::kTransaction, 0x80, commit, 700);
    wal_.Switch();
    auto joined = Join(wal_, 2);
    ASSERT_TRUE(joined.ok()) << joined.status().ToString();
    if (relations == 2000) {  // 24,000 bytes, kept whole
      EXPECT_EQ(joined.value().unknown(), Unknown::kNothing);
      EXPECT_EQ(joined.value().Find({{1663, 5, 21999}, Fork::kMain})->limit, 0u);
    } else {
      EXPECT_EQ(joined.value().unknown(), Unknown::kLongRecord);
      EXPECT_EQ(joined.value().unknown_at(), at);
    }
  }
}

TEST_P(SegmentChangesOfVersion, ARecordAbandonedInACrash) {
  FillUntil(64);
  const Lsn last = wal_.last();
  AddBlocks(wal_, kTable, {1, 2, 3}, 3000);
  wal_.CrashAt({4u << 20}, last);  // nothing of the next segment was written
  wal_.AddData(Rmgr::kXlog, 0xD0, Words({0, 0, 0, 0}));
  AddBlocks(wal_, kTable, {50});
  wal_.Switch();
  auto joined = Join(wal_, 2);
  ASSERT_TRUE(joined.ok()) << joined.status().ToString();
  EXPECT_EQ(joined.value().ChangedBlocks(kTable, 0, 1000), Blocks{50});

  wal_ = WalBuilder(GetParam());
  FillUntil(64);
  const Lsn before = wal_.last();
  AddBlocks(wal_, kTable, {1, 2, 3}, 9000);
  wal_.CrashAt({(4u << 20) + kWalPageSize}, before);  // only its first page was
  wal_.AddData(Rmgr::kXlog, 0xD0, Words({0, 0, 0, 0}));
  AddBlocks(wal_, kTable, {51});
  wal_.Switch();
  joined = Join(wal_, 2);
  ASSERT_TRUE(joined.ok()) << joined.status().ToString();
  EXPECT_EQ(joined.value().ChangedBlocks(kTable, 0, 1000), Blocks{51});
}

TEST(SegmentChanges, ASegmentThatIsNotWholeTellsNothing) {
  WalBuilder wal;
  AddBlocks(wal, kTable, {1});
  EXPECT_EQ(ReadSegmentChanges(wal.Segment({3}), kStart).code(), Code::kCorruption);
  EXPECT_EQ(ReadSegmentChanges(Bytes(kSegmentSize), kStart).code(), Code::kCorruption);
  wal.Switch();
  EXPECT_TRUE(ReadSegmentChanges(wal.Segment({3}), kStart).ok());
  EXPECT_EQ(ReadSegmentChanges(wal.Segment({3}), {4u << 20}).code(), Code::kCorruption);
  wal.Byte(kStart)[100] ^= 1;
  EXPECT_EQ(ReadSegmentChanges(wal.Segment({3}), kStart).code(), Code::kCorruption);
}

TEST(SegmentChanges, UpToAPosition) {
  WalBuilder wal;
  AddBlocks(wal, kTable, {1});
  const Lsn second = AddBlocks(wal, kTable, {2});
  AddBlocks(wal, kTable, {3});
  const Lsn end = wal.at();
  const std::pair<Lsn, Blocks> cases[] = {
      {kStart, {}}, {{kStart.value + kLongWalPageHeaderSize}, {}}, {second, {1}}, {end, {1, 2, 3}}};
  for (const auto& [stop, blocks] : cases) {
    auto read = ReadSegmentChanges(wal.Segment({3}), kStart, stop);
    ASSERT_TRUE(read.ok()) << read.status().ToString();
    EXPECT_EQ(read.value().changes.ChangedBlocks(kTable, 0, 10), blocks) << stop.ToString();
  }
  // WAL that should be there and is not.
  EXPECT_EQ(ReadSegmentChanges(wal.Segment({3}), kStart, Lsn{end.value + 64}).code(), Code::kCorruption);
  // What is being written behind it does not matter.
  wal.Byte(end)[0] = 0x77;
  EXPECT_TRUE(ReadSegmentChanges(wal.Segment({3}), kStart, end).ok());
}

TEST(SegmentChanges, SegmentsThatDoNotFollowOneAnotherAreRefused) {
  WalBuilder wal;
  for (int i = 0; i < 3; i++) {
    wal.AddFiller(900000);
    AddBlocks(wal, kTable, {1}, 60000, 100000);
  }
  wal.Switch();
  std::vector<SegmentChanges> segments;
  for (uint64_t no = 3; wal.Has({no}); no++) {
    auto read = ReadSegmentChanges(wal.Segment({no}), SegmentStart({no}, kSegmentSize));
    ASSERT_TRUE(read.ok()) << read.status().ToString();
    segments.push_back(std::move(read).value());
  }
  ASSERT_GE(segments.size(), 3u);
  auto join = [](std::initializer_list<SegmentChanges> some) {
    SegmentChangesJoiner joiner;
    for (const SegmentChanges& segment : some)
      if (Status status = joiner.Add(segment); !status.ok()) return status.code();
    return Code::kOk;
  };
  EXPECT_EQ(join({segments[0], segments[1], segments[2]}), Code::kOk);
  EXPECT_EQ(join({segments[0], segments[2]}), Code::kCorruption);
  EXPECT_EQ(join({segments[1], segments[0]}), Code::kCorruption);
  SegmentChanges damaged = segments[1];
  ASSERT_GT(damaged.head.missing, 0u);
  damaged.head.missing++;
  EXPECT_EQ(join({segments[0], damaged}), Code::kCorruption);
  damaged = segments[1];
  damaged.head = {};
  EXPECT_EQ(join({segments[0], damaged}), Code::kCorruption);
  damaged = segments[0];
  damaged.tail.bytes[8] ^= 1;
  damaged.tail.bytes.resize(3);
  EXPECT_EQ(join({damaged, segments[1]}), Code::kCorruption);
}

}  // namespace
}  // namespace pitr
