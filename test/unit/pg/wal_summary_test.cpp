#include "core/pg/wal_summary.h"

#include <gtest/gtest.h>

#include "core/pg/crc32c.h"

namespace pitr {
namespace {

using Blocks = std::vector<uint32_t>;
const RelationFork kSummarizedTable{{1663, 5, 16384}, Fork::kMain};

// Writes files as common/blkreftable.c does.
struct Summary {
  Bytes bytes;
  Summary() { AppendLe(bytes, uint32_t{0x652b137b}); }
  Summary& Entry(const RelationFork& fork, uint32_t limit, const std::vector<BlockSet::Chunk>& chunks = {}) {
    for (uint32_t field : {fork.relation.tablespace, fork.relation.database, fork.relation.number,
                           static_cast<uint32_t>(fork.fork), limit, static_cast<uint32_t>(chunks.size())})
      AppendLe(bytes, field);
    for (const auto& chunk : chunks) AppendLe(bytes, static_cast<uint16_t>(chunk.size()));
    for (const auto& chunk : chunks)
      for (uint16_t word : chunk) AppendLe(bytes, word);
    return *this;
  }
  Bytes Finish(bool terminated = true) {
    if (terminated) bytes.insert(bytes.end(), 24, 0);
    AppendLe(bytes, ComputeCrc32c(bytes));
    return bytes;
  }
};

TEST(WalSummary, EntriesOfEveryForm) {
  BlockSet::Chunk bitmap(4096);
  bitmap[1] = 3;  // blocks 16 and 17 of its chunk
  const Bytes file = Summary()
                         .Entry({{1663, 1, 0}, Fork::kMain}, 0)  // a database
                         .Entry(kSummarizedTable, ForkChanges::kNoLimit, {{9, 3, 3}, {}, bitmap})
                         .Entry({kSummarizedTable.relation, Fork::kVisibilityMap}, 1, {{0}})
                         .Entry({{1663, 5, 16385}, Fork::kMain}, 7)
                         .Finish();
  BlockChanges changes;
  const Status status = AddWalSummary(file, &changes);
  ASSERT_TRUE(status.ok()) << status.ToString();
  EXPECT_EQ(changes.ChangedBlocks(kSummarizedTable, 0, 1u << 20), (Blocks{3, 9, 131088, 131089}));
  EXPECT_EQ(changes.ChangedBlocks({{1663, 5, 16385}, Fork::kMain}, 0, 9), (Blocks{7, 8}));
  EXPECT_EQ(changes.ChangedBlocks({{1663, 1, 99}, Fork::kMain}, 0, 9), std::nullopt);
  EXPECT_EQ(changes.unknown(), BlockChanges::Unknown::kNothing);
}

TEST(WalSummary, Damage) {
  const Bytes good = Summary().Entry(kSummarizedTable, 5, {{1, 2}}).Finish();
  for (size_t size = 0; size < good.size(); size++) {
    BlockChanges changes;
    EXPECT_EQ(AddWalSummary(ByteView(good).first(size), &changes).code(), Code::kCorruption) << size;
  }
  for (size_t i = 0; i < good.size(); i++) {
    Bytes bad = good;
    bad[i] ^= 0x10;
    BlockChanges changes;
    EXPECT_EQ(AddWalSummary(bad, &changes).code(), Code::kCorruption) << i;
  }
  // Right checksums over what makes no sense.
  BlockChanges changes;
  EXPECT_EQ(AddWalSummary(Summary().Entry(kSummarizedTable, 5, {{1, 2}}).Finish(false), &changes).code(),
            Code::kCorruption);
  EXPECT_EQ(AddWalSummary(Summary().Entry({{1, 2, 3}, static_cast<Fork>(9)}, 5).Finish(), &changes).code(),
            Code::kCorruption);
  Summary long_chunk;
  EXPECT_EQ(AddWalSummary(long_chunk.Entry(kSummarizedTable, 5, {BlockSet::Chunk(4097, 1)}).Finish(), &changes).code(),
            Code::kCorruption);
  Summary behind_the_end;
  behind_the_end.bytes.insert(behind_the_end.bytes.end(), 24, 0);
  EXPECT_EQ(AddWalSummary(behind_the_end.Entry(kSummarizedTable, 5).Finish(), &changes).code(), Code::kCorruption);
}

TEST(WalSummary, Names) {
  const std::string name = "0000000200000001010000280000000102000060.summary";
  const auto parsed = ParseWalSummaryName(name);
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(*parsed, (WalSummaryName{{2}, {0x101000028}, {0x102000060}}));
  EXPECT_EQ(WalSummaryFileName(*parsed), name);
  for (const char* other :
       {"", "temp.summary", "0000000200000001010000280000000102000060.summary.tmp",
        "0000000200000001010000280000000101000028.summary", "0000000000000001010000280000000102000060.summary",
        "000000020000000101000g280000000102000060.summary"})
    EXPECT_EQ(ParseWalSummaryName(other), std::nullopt) << other;
}

TEST(WalSummary, Coverage) {
  const std::vector<WalSummaryName> all = {
      {{1}, {100}, {200}}, {{1}, {200}, {300}}, {{1}, {150}, {300}}, {{1}, {400}, {500}}, {{2}, {300}, {400}}};
  Lsn missing;
  EXPECT_EQ(CoverWithSummaries(all, {1}, {120}, {250}, &missing).size(), 2u);
  EXPECT_EQ(CoverWithSummaries(all, {1}, {150}, {300}, &missing).size(), 1u);
  EXPECT_TRUE(CoverWithSummaries(all, {1}, {120}, {450}, &missing).empty());
  EXPECT_EQ(missing, (Lsn{300}));
  EXPECT_TRUE(CoverWithSummaries(all, {1}, {50}, {60}, &missing).empty());
  EXPECT_EQ(missing, (Lsn{50}));
  EXPECT_TRUE(CoverWithSummaries(all, {3}, {120}, {130}, nullptr).empty());
}

}  // namespace
}  // namespace pitr
