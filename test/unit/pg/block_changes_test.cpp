#include "core/pg/block_changes.h"

#include <gtest/gtest.h>

#include <random>

namespace pitr {
namespace {

const RelationFork kTable{{1663, 5, 16384}, Fork::kMain};
const RelationFork kOther{{1663, 5, 16385}, Fork::kMain};
using Blocks = std::vector<uint32_t>;

TEST(BlockSet, HoldsWhatAnOrdinarySetHolds) {
  std::mt19937 random(7);
  for (uint32_t range : {50u, 5000u, 70000u, 200000u}) {
    BlockSet set;
    std::set<uint32_t> model;
    for (int i = 0; i < 20000; i++) {
      const uint32_t block = random() % range;
      set.Add(block);
      model.insert(block);
    }
    EXPECT_EQ(set.Count(), model.size());
    for (uint32_t block = 0; block < range; block += 7) EXPECT_EQ(set.Has(block), model.contains(block)) << block;
    for (auto [first, count] :
         {std::pair<uint32_t, uint32_t>{0, range}, {range / 3, range / 2}, {65530, 20}, {17, 0}, {range, 100}}) {
      const Blocks expected(model.lower_bound(first), model.lower_bound(first + count));
      EXPECT_EQ(set.Within(first, count), expected) << first << " " << count;
    }
  }
}

TEST(BlockSet, TheLastBlockThereIs) {
  BlockSet set;
  set.Add(UINT32_MAX);
  set.Add(0);
  EXPECT_EQ(set.Within(0, UINT32_MAX), Blocks{0});
  EXPECT_EQ(set.Within(UINT32_MAX, 1), Blocks{UINT32_MAX});
  EXPECT_EQ(set.Within(UINT32_MAX - 5, 100), Blocks{UINT32_MAX});
}

TEST(BlockSet, MergesEveryFormWithEveryForm) {
  std::mt19937 random(11);
  for (int a : {3, 4095, 4096, 9000}) {
    for (int b : {1, 4095, 5000}) {
      BlockSet one, two;
      std::set<uint32_t> model;
      for (int i = 0; i < a; i++) one.Add(*model.insert(random() % 65536 + 65536).first);
      for (int i = 0; i < b; i++) two.Add(*model.insert(random() % 65536 + 65536).first);
      one.Merge(two);
      EXPECT_EQ(one.Within(0, 1u << 20), Blocks(model.begin(), model.end())) << a << " " << b;
    }
  }
}

TEST(BlockSet, RefusesChunksThatAreNone) {
  BlockSet set;
  EXPECT_FALSE(set.AddChunk(0, {}));
  EXPECT_FALSE(set.AddChunk(0, {2, 2}));
  EXPECT_FALSE(set.AddChunk(0, {2, 1}));
  EXPECT_FALSE(set.AddChunk(0, BlockSet::Chunk(BlockSet::kBitmapWords)));
  EXPECT_FALSE(set.AddChunk(0, BlockSet::Chunk(BlockSet::kBitmapWords + 1, 1)));
  EXPECT_TRUE(set.empty());
  EXPECT_TRUE(set.AddChunk(1, {0, 65535}));
  EXPECT_EQ(set.Within(0, 1u << 20), (Blocks{65536, 131071}));
}

TEST(BlockChanges, WhatWasNotNamedDidNotChange) {
  BlockChanges changes;
  changes.AddBlock(kTable, 7);
  EXPECT_EQ(changes.ChangedBlocks(kTable, 0, 131072), Blocks{7});
  EXPECT_EQ(changes.ChangedBlocks(kTable, 131072, 131072), Blocks{});
  EXPECT_EQ(changes.ChangedBlocks(kOther, 0, 131072), Blocks{});
  EXPECT_TRUE(changes.MayHaveChanged(kTable, 7));
  EXPECT_FALSE(changes.MayHaveChanged(kTable, 8));
  EXPECT_FALSE(changes.MayHaveChanged(kOther, 7));
}

TEST(BlockChanges, FreeSpaceAndVisibilityMapsAreNeverKnown) {
  BlockChanges changes;
  for (Fork fork : {Fork::kFreeSpaceMap, Fork::kVisibilityMap}) {
    const RelationFork map{kTable.relation, fork};
    changes.AddBlock(map, 3);
    EXPECT_EQ(changes.ChangedBlocks(map, 0, 10), std::nullopt);
    EXPECT_TRUE(changes.MayHaveChanged(map, 9));
  }
  EXPECT_TRUE(changes.SortedForks().empty());
}

TEST(BlockChanges, EverythingFromALimitOn) {
  BlockChanges changes;
  changes.AddBlock(kTable, 2);
  changes.AddBlock(kTable, 9);
  changes.LimitTo(kTable, 8);
  changes.LimitTo(kTable, 20);  // longer again in between: the smallest counts
  EXPECT_EQ(changes.ChangedBlocks(kTable, 0, 11), (Blocks{2, 8, 9, 10}));
  EXPECT_EQ(changes.ChangedBlocks(kTable, 0, 8), (Blocks{2}));
  EXPECT_EQ(changes.ChangedBlocks(kTable, 8, 8), std::nullopt);
  EXPECT_EQ(changes.ChangedBlocks(kTable, 131072, 8), std::nullopt);  // its second file
  EXPECT_TRUE(changes.MayHaveChanged(kTable, 8));
  EXPECT_FALSE(changes.MayHaveChanged(kTable, 7));
  changes.AddDroppedRelation(kOther.relation);
  EXPECT_EQ(changes.ChangedBlocks(kOther, 0, 1), std::nullopt);
}

TEST(BlockChanges, WholeDatabasesTablespacesAndEverything) {
  BlockChanges changes;
  changes.AddDatabase(5, 1663);
  EXPECT_EQ(changes.ChangedBlocks(kTable, 0, 1), std::nullopt);
  const RelationFork elsewhere{{16500, 5, 16384}, Fork::kMain};
  EXPECT_EQ(changes.ChangedBlocks(elsewhere, 0, 1), Blocks{});
  changes.AddTablespace(16500);
  EXPECT_EQ(changes.ChangedBlocks(elsewhere, 0, 1), std::nullopt);
  const RelationFork shared{{1664, 0, 1262}, Fork::kMain};
  EXPECT_EQ(changes.ChangedBlocks(shared, 0, 1), Blocks{});
  EXPECT_EQ(changes.DescribeUnknown(), "");
  changes.AddEverything(BlockChanges::Unknown::kMinimalWal, {0x3000028});
  EXPECT_EQ(changes.ChangedBlocks(shared, 0, 1), std::nullopt);
  EXPECT_EQ(changes.DescribeUnknown(), "wal_level was minimal at 0/3000028");
}

TEST(BlockChanges, MergingKeepsWhatEitherKnows) {
  BlockChanges one, two;
  one.AddBlock(kTable, 1);
  one.LimitTo(kTable, 50);
  two.AddBlock(kTable, 2);
  two.LimitTo(kTable, 40);
  two.AddBlock(kOther, 3);
  two.AddDatabase(9, 1663);
  two.AddTablespace(16500);
  one.AddEverything(BlockChanges::Unknown::kChecksums, {200});
  two.AddEverything(BlockChanges::Unknown::kMinimalWal, {100});
  BlockChanges other_way = two;
  other_way.Merge(one);
  one.Merge(two);
  for (const BlockChanges* merged : {&one, &other_way}) {
    EXPECT_EQ(merged->Find(kTable)->limit, 40u);
    EXPECT_EQ(merged->Find(kTable)->blocks.Within(0, 100), (Blocks{1, 2}));
    EXPECT_EQ(merged->Find(kOther)->blocks.Within(0, 100), (Blocks{3}));
    EXPECT_EQ(merged->databases().size(), 1u);
    EXPECT_EQ(merged->tablespaces().size(), 1u);
    EXPECT_EQ(merged->unknown(), BlockChanges::Unknown::kMinimalWal);
    EXPECT_EQ(merged->SortedForks(), (std::vector{kTable, kOther}));
    EXPECT_EQ(merged->CountBlocks(), 3u);
  }
}

}  // namespace
}  // namespace pitr
