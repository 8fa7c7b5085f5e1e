// Starts no thread.
#include "core/repo/archive/change_map.h"

#include <algorithm>
#include <climits>
#include <filesystem>
#include <functional>

#include "core/repo/archive/change_map_maker.h"
#include "core/repo/layout.h"
#include "core/repo/wal/wal_push.h"
#include "lib/changes_text.h"
#include "lib/repository_fixture.h"
#include "unit/pg/wal_builder.h"

namespace pitr {
namespace {

using test::StoreOp;
using test::TextOf;

const ClusterIdentity kBuilt{WalBuilder::kSystem, WalBuilder::kSegmentSize, 15};
const std::string kName = "000000010000000000000003";
const RelationFork kTable{{1663, 5, 16384}, Fork::kMain};

SegmentChanges Sample() {
  SegmentChanges segment;
  segment.pg_major = 16;
  segment.start = {3u << 20};
  segment.size = 1u << 20;
  segment.head = {5000, 3, {1, 2, 3}};
  segment.tail = {{0x3FFFF0}, 16, Bytes(16, 9)};
  segment.abandons = true;
  BlockChanges& changes = segment.changes;
  for (uint32_t block : {1u, 7u, 65536u, 4000000000u}) changes.AddBlock(kTable, block);
  for (uint32_t block = 0; block < 20000; block += 2) changes.AddBlock({{1663, 5, 16385}, Fork::kMain}, block);
  changes.AddBlock({{1663, 5, 16385}, Fork::kInit}, 0);
  changes.LimitTo({{1664, 0, 1262}, Fork::kMain}, 4);
  changes.AddDatabase(5, 1663);
  changes.AddTablespace(16500);
  changes.AddEverything(BlockChanges::Unknown::kMinimalWal, {0x300028});
  segment.actions = {{.kind = ReplayAction::Kind::kTablespaceCreated,
                      .start = {0x300100},
                      .xid = 7,
                      .oid = 16500,
                      .path = "/srv/ts",
                      .ended = {0x300200},
                      .committed = true},
                     {.kind = ReplayAction::Kind::kSettings, .start = {0x300180}, .limits = {100, 8, 10, 0, 64}},
                     {.kind = ReplayAction::Kind::kDatabaseDropped, .start = {0x300300}, .xid = 8, .oid = 5}};
  return segment;
}

TEST(ChangeMapCoding, ThereAndBack) {
  for (const SegmentChanges& segment :
       {Sample(), SegmentChanges{.pg_major = 15, .start = {3u << 20}, .size = 1u << 20}}) {
    const Bytes bytes = EncodeChangeMap(segment);
    auto parsed = ParseChangeMap(bytes);
    ASSERT_TRUE(parsed.ok()) << parsed.status().ToString();
    const SegmentChanges& back = parsed.value();
    EXPECT_EQ(back.pg_major, segment.pg_major);
    EXPECT_EQ(back.start, segment.start);
    EXPECT_EQ(back.size, segment.size);
    EXPECT_EQ(back.head, segment.head);
    EXPECT_EQ(back.tail, segment.tail);
    EXPECT_EQ(back.abandons, segment.abandons);
    EXPECT_EQ(ChangesText(back.changes), ChangesText(segment.changes));
    EXPECT_EQ(back.actions, segment.actions);
    EXPECT_TRUE(back.actions_known);
    EXPECT_EQ(EncodeChangeMap(back), bytes);
  }
}

TEST(ChangeMapCoding, AMapOfTheVersionBeforeKnowsNoActions) {
  SegmentChanges segment = Sample();
  segment.actions.clear();
  segment.actions_known = false;
  const Bytes bytes = EncodeChangeMap(segment);
  EXPECT_EQ(LoadLe<uint32_t>(bytes.data()), 1u);
  const auto back = ParseChangeMap(bytes);
  ASSERT_TRUE(back.ok()) << back.status().ToString();
  EXPECT_FALSE(back.value().actions_known);
  EXPECT_EQ(ChangesText(back.value().changes), ChangesText(segment.changes));
}

TEST(ChangeMapCoding, ActionsOutsideTheSegmentOrOutOfOrderAreRefused) {
  for (const auto& change : std::vector<std::function<void(SegmentChanges&)>>{
           [](SegmentChanges& segment) { segment.actions[0].start = {0x2FFFF8}; },
           [](SegmentChanges& segment) { segment.actions[2].start = {0x400000}; },
           [](SegmentChanges& segment) { std::swap(segment.actions[1], segment.actions[2]); },
           [](SegmentChanges& segment) { segment.actions[0].ended = {0x300080}; },
           [](SegmentChanges& segment) { segment.actions[2].committed = true; },
           [](SegmentChanges& segment) { segment.actions[0].path = std::string(2000, 'x'); },
           [](SegmentChanges& segment) { segment.actions[2].kind = static_cast<ReplayAction::Kind>(9); }}) {
    SegmentChanges segment = Sample();
    change(segment);
    EXPECT_EQ(ParseChangeMap(EncodeChangeMap(segment)).code(), Code::kCorruption);
  }
}

TEST(ChangeMapCoding, WhatIsCutOrLongerIsRefused) {
  Bytes bytes = EncodeChangeMap(Sample());
  for (size_t size = 0; size < bytes.size(); size += size < 300 ? 1 : 97)
    EXPECT_EQ(ParseChangeMap(ByteView(bytes).first(size)).code(), Code::kCorruption) << size;
  bytes.push_back(0);
  EXPECT_EQ(ParseChangeMap(bytes).code(), Code::kCorruption);
  bytes.pop_back();
  StoreLe(bytes.data(), uint32_t{3});
  EXPECT_EQ(ParseChangeMap(bytes).code(), Code::kInvalidArgument);
}

class ChangeMap : public test::RepositoryTest {
 protected:
  // A whole segment in which blocks 1 to 3 change.
  Bytes Segment() {
    WalBuilder wal;
    for (uint32_t block = 1; block <= 3; block++) {
      Bytes body{0, 0, 0, 0};
      for (uint32_t word : {1663u, 5u, 16384u, block}) AppendLe(body, word);
      wal.Add(static_cast<Rmgr>(10), 0, body);
    }
    wal.Switch();
    return wal.Segment({3});
  }
  Result<WalPushResult> Push(const Repository& repository, const Bytes& bytes) {
    return PushWalFile(repository, kName, Write(kName, AsText(bytes)), ctx_);
  }
};

class ChangeMapOf : public ChangeMap, public testing::WithParamInterface<bool> {};
INSTANTIATE_TEST_SUITE_P(PlainAndEncrypted, ChangeMapOf, testing::Bool());

TEST_P(ChangeMapOf, IsMadeOfTheFileOrElseOfTheStoredSegment) {
  auto repository = MustOpenOrCreate(GetParam() ? Encrypted("alpha") : config_, kBuilt);
  ASSERT_NE(repository, nullptr);
  auto pushed = Push(*repository, Segment());
  ASSERT_TRUE(pushed.ok()) << TextOf(pushed);
  EXPECT_EQ(LoadChangeMap(*repository, kName, ctx_).code(), Code::kNotFound);
  // The file is there; the server took it away; the server uses it for another segment, or has begun to.
  for (const char* state : {"there", "gone", "reused", "overwritten"}) {
    const std::string path = dir_ + "/" + kName;
    std::filesystem::remove(path);
    Bytes content = Segment();
    if (state == std::string("reused")) content = WalBuilder(15, {4u << 20}).Segment({4});
    if (state == std::string("overwritten")) std::fill(content.begin() + 8192, content.begin() + 12000, 7);
    if (state != std::string("gone")) Write(kName, AsText(content));
    const Status made = MakeChangeMap(*repository, kName, path, ctx_);
    ASSERT_TRUE(made.ok()) << state << ": " << made.ToString();
    auto map = LoadChangeMap(*repository, kName, ctx_);
    ASSERT_TRUE(map.ok()) << state << ": " << TextOf(map);
    EXPECT_EQ(map.value().changes.ChangedBlocks(kTable, 0, 100), (std::vector<uint32_t>{1, 2, 3})) << state;
    EXPECT_TRUE(MakeChangeMap(*repository, kName, path, ctx_).ok()) << "one that is there is left alone";
    ASSERT_TRUE(memory_.Delete({layout::ChangeMapKey(kName)}, ctx_).ok());
  }
}

TEST_F(ChangeMap, IsForWholeSegmentsOnlyAndNotWhenOff) {
  auto repository = MustOpenOrCreate(config_, kBuilt);
  EXPECT_TRUE(WantsChangeMap(*repository, kName));
  for (const std::string& name : {kName + ".partial", std::string("00000002.history"), kName + ".00000028.backup"})
    EXPECT_FALSE(WantsChangeMap(*repository, name)) << name;
  for (const std::string& name : {kName + ".partial", std::string("00000002.history"), std::string("x")})
    EXPECT_EQ(ReadStoredSegment(*repository, name, ctx_).code(), Code::kInvalidArgument) << name;
  config_.change_map = "off";
  repository = MustOpenOrCreate(config_, kBuilt);
  EXPECT_FALSE(WantsChangeMap(*repository, kName));
}

TEST_F(ChangeMap, WhatPreventsItIsSaid) {
  auto repository = MustOpenOrCreate(config_, kBuilt);
  EXPECT_EQ(MakeChangeMap(*repository, kName, dir_ + "/nowhere", ctx_).code(), Code::kNotFound);
  EXPECT_EQ(MakeChangeMap(*repository, "x", dir_ + "/nowhere", ctx_).code(), Code::kInvalidArgument);
  auto pushed = Push(*repository, Segment());
  ASSERT_TRUE(pushed.ok()) << TextOf(pushed);
  faults().Inject({.op = StoreOp::kCreate, .key_contains = "change/", .times = INT_MAX});
  EXPECT_EQ(MakeChangeMap(*repository, kName, dir_ + "/" + kName, ctx_).code(), Code::kUnavailable);
}

TEST_F(ChangeMap, ASegmentThatIsNotWholeHasNone) {
  auto repository = MustOpenOrCreate(config_, kBuilt);
  WalBuilder wal;
  wal.AddFiller(100);
  auto pushed = Push(*repository, wal.Segment({3}));
  ASSERT_TRUE(pushed.ok()) << TextOf(pushed);
  EXPECT_TRUE(pushed.value().partial_until.has_value());
  EXPECT_EQ(MakeChangeMap(*repository, kName, dir_ + "/" + kName, ctx_).code(), Code::kNotFound);
  EXPECT_EQ(LoadChangeMap(*repository, kName, ctx_).code(), Code::kNotFound);
}

TEST_F(ChangeMap, OfAnotherSegmentIsRefused) {
  auto repository = MustOpenOrCreate(config_, kBuilt);
  ASSERT_TRUE(StoreChangeMap(*repository, "000000010000000000000004", Sample(), ctx_).ok());
  EXPECT_EQ(LoadChangeMap(*repository, "000000010000000000000004", ctx_).code(), Code::kCorruption);
}

}  // namespace
}  // namespace pitr
