// The parts of the memory store and of fault injection that are for tests; the rest is in test/store_suite.
// Starts no thread.
#include "core/store/memory.h"

#include <gtest/gtest.h>

#include "core/store/upload_rules.h"
#include "lib/faulty_store.h"

namespace pitr {
namespace {

using test::FaultyStore;
using test::StoreOp;

TEST(MemoryStore, DamageOnPurpose) {
  MemoryStore store;
  ASSERT_TRUE(store.Create("k", Bytes{1, 2, 3}, {}).ok());
  EXPECT_TRUE(store.FlipBit("k", 9));
  EXPECT_EQ(GetAll(store, "k", 10, {}).value(), (Bytes{1, 0, 3}));
  EXPECT_FALSE(store.FlipBit("k", 24));
  EXPECT_TRUE(store.Truncate("k", 1));
  EXPECT_EQ(GetAll(store, "k", 10, {}).value(), Bytes{1});
  EXPECT_FALSE(store.Truncate("k", 2));
  EXPECT_FALSE(store.FlipBit("none", 0));
  store.Replace("j", {9});
  EXPECT_EQ(store.Keys(), (std::vector<std::string>{"j", "k"}));
}

TEST(FaultyStore, FollowsTheScript) {
  MemoryStore memory;
  FaultyStore store(memory);
  store.Inject({.op = StoreOp::kCreate, .key_contains = "wal", .skip = 1, .times = 2});
  const Bytes body{1};
  EXPECT_TRUE(store.Create("other", body, {}).ok());
  EXPECT_TRUE(store.Create("wal1", body, {}).ok());
  EXPECT_EQ(store.Create("wal2", body, {}).code(), Code::kUnavailable);
  EXPECT_EQ(store.Create("wal2", body, {}).code(), Code::kUnavailable);
  EXPECT_TRUE(store.Create("wal2", body, {}).ok());
  store.Inject({.op = StoreOp::kCreate, .after = true});
  EXPECT_EQ(store.Create("late", body, {}).code(), Code::kUnavailable);
  EXPECT_TRUE(store.Stat("late", {}).ok());
  store.SetDead(true);
  EXPECT_EQ(store.Stat("late", {}).code(), Code::kUnavailable);
  store.SetDead(false);
  EXPECT_TRUE(store.Stat("late", {}).ok());
  EXPECT_EQ(store.calls(StoreOp::kCreate), 6);
  store.Inject({.op = StoreOp::kGet, .after_bytes = 2});
  memory.Replace("k", {1, 2, 3});
  Bytes got;
  EXPECT_EQ(store
                .Get("k", {},
                     [&](ByteView piece) {
                       got.insert(got.end(), piece.begin(), piece.end());
                       return Status::Ok();
                     },
                     {})
                .code(),
            Code::kUnavailable);
  EXPECT_EQ(got, (Bytes{1, 2}));
}

TEST(UploadRules, PartsMustBeAWhole) {
  auto size = [](const std::vector<PartExtent>& parts) { return CheckParts("k", parts, 10); };
  EXPECT_EQ(size({{1, 0, 3}}).value(), 3u);
  EXPECT_EQ(size({{1, 0, 10}, {2, 10, 10}, {3, 20, 1}}).value(), 21u);
  for (const std::vector<PartExtent>& bad : std::vector<std::vector<PartExtent>>{{},
                                                                                 {{2, 0, 3}},
                                                                                 {{1, 0, 9}, {2, 9, 1}},
                                                                                 {{1, 0, 10}, {3, 10, 1}},
                                                                                 {{2, 10, 1}, {1, 0, 10}},
                                                                                 {{1, 0, 10}, {2, 11, 1}},
                                                                                 {{1, 0, 10}, {2, 10, 12}, {3, 22, 1}},
                                                                                 {{1, 0, 10}, {2, 10, 11}},
                                                                                 {{1, 1, 3}}})
    EXPECT_EQ(size(bad).code(), Code::kInvalidArgument);
  EXPECT_TRUE(CheckPart("k", 1, 0, 5).ok());
  EXPECT_FALSE(CheckPart("k", 0, 0, 5).ok());
  EXPECT_FALSE(CheckPart("k", kMaxUploadParts + 1, 5, 5).ok());
  EXPECT_FALSE(CheckPart("k", 2, 0, 5).ok());
  EXPECT_FALSE(CheckPart("k", 1, 0, (size_t{5} << 30) + 1).ok());
}

TEST(ObjectStoreRules, Ranges) {
  EXPECT_EQ(RangeLength("k", {}, 0).value(), 0u);
  EXPECT_EQ(RangeLength("k", {0, 0}, 0).value(), 0u);
  EXPECT_EQ(RangeLength("k", {3, UINT64_MAX}, 10).value(), 7u);
  EXPECT_EQ(RangeLength("k", {3, 7}, 10).value(), 7u);
  for (const ByteRange range : {ByteRange{10, UINT64_MAX}, ByteRange{3, 8}, ByteRange{11, 0}, ByteRange{UINT64_MAX, 1},
                                ByteRange{1, UINT64_MAX - 1}})
    EXPECT_EQ(RangeLength("k", range, 10).code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace pitr
