#include "core/restore/branch_life.h"

#include "core/pg/timestamp.h"
#include "core/pg/wal_name.h"
#include "core/repo/layout.h"
#include "core/restore/branch_notes.h"
#include "lib/repository_fixture.h"
#include "unit/pg/wal_builder.h"

namespace pitr {
namespace {

constexpr int64_t kSecond = 1000000;
constexpr int64_t kDay = int64_t{1779440000} * kSecond;
constexpr uint32_t kSegment = WalBuilder::kSegmentSize;

// Timeline 1 and a timeline 2 that left it, both of real records.
class BranchLifeTest : public test::RepositoryTest {
 protected:
  BranchLifeTest() : repository_(MustOpenOrCreate(config_, {WalBuilder::kSystem, kSegment, 15})) {}

  static void Commit(WalBuilder& wal, uint32_t xid, int64_t micros) {
    Bytes data;
    AppendLe(data, micros - kPgEpochMicros);
    wal.AddData(Rmgr::kTransaction, 0x00, data, xid);
  }
  static void EndOfRecovery(WalBuilder& wal, int64_t micros) {
    Bytes data;
    AppendLe(data, micros - kPgEpochMicros);
    AppendLe<uint32_t>(data, 2);
    AppendLe<uint32_t>(data, 1);
    wal.AddData(Rmgr::kXlog, 0x90, data);
  }
  static void EndOfRecoveryCheckpoint(WalBuilder& wal, int64_t micros) {
    Bytes data(64);  // of version 15: redo, timelines, transaction counters
    AppendLe<uint64_t>(data, static_cast<uint64_t>(micros / kSecond));
    data.resize(data.size() + 16);
    wal.AddData(Rmgr::kXlog, 0x00, data);
  }
  void Archive(WalBuilder& wal, uint32_t timeline, Lsn from) {
    wal.Switch();
    for (SegmentNo no = SegmentOf(from, kSegment); no.value * kSegment < wal.at().value; ++no.value) {
      const std::string key = layout::WalKey(SegmentFileName(Timeline{timeline}, no, kSegment));
      const Status stored = repository_->CreateObject(ObjectKind::kWal, key, wal.Segment(no), ctx_);
      ASSERT_TRUE(stored.ok()) << stored.ToString();
    }
  }
  // The unfinished segment, in the middle of which its server died.
  void ArchiveBeginning(WalBuilder& wal, uint32_t timeline) {
    const SegmentNo no = SegmentOf(wal.at(), kSegment);
    const std::string key =
        layout::PartialSegmentKey(SegmentFileName(Timeline{timeline}, no, kSegment), wal.at().value % kSegment);
    const Status stored = repository_->CreateObject(ObjectKind::kPartialSegment, key, wal.Segment(no), ctx_);
    ASSERT_TRUE(stored.ok()) << stored.ToString();
  }
  void History(uint32_t timeline, Lsn fork) {
    const std::string history = "1\t" + fork.ToString() + "\tx\n", name = HistoryFileName(Timeline{timeline});
    ASSERT_TRUE(repository_->CreateObject(ObjectKind::kWal, layout::WalKey(name), AsBytes(history), ctx_).ok());
  }
  BranchTree Load() {
    wal_ = WalCatalog::Load(*repository_, ctx_).value();
    auto tree = BranchTree::Load(*repository_, backups_, wal_, ctx_);
    EXPECT_TRUE(tree.ok()) << test::TextOf(tree);
    return tree.value();
  }

  std::unique_ptr<Repository> repository_;
  BackupCatalog backups_;
  WalCatalog wal_;
};

TEST_F(BranchLifeTest, IsReadFromItsFirstAndLastRecords) {
  WalBuilder one;
  Commit(one, 10, kDay);
  one.AddFiller(3 * kSegment / 2);
  const Lsn fork = one.at();
  WalBuilder two = one;
  Commit(one, 11, kDay + 10 * kSecond);
  one.AddFiller(40 * 1000);
  Archive(one, 1, Lsn{3 * kSegment});
  two.set_timeline(2);
  EndOfRecovery(two, kDay + 60 * kSecond);
  Commit(two, 11, kDay + 70 * kSecond);
  two.AddFiller(3 * kSegment);
  Archive(two, 2, fork);
  History(2, fork);

  const BranchTree tree = Load();
  ASSERT_EQ(tree.branches().size(), 2U);
  const Branch& parent = tree.branches()[0];
  const Branch& child = tree.branches()[1];
  EXPECT_EQ(child.parent, Timeline{1});
  EXPECT_EQ(child.fork, fork);
  EXPECT_TRUE(parent.life.read);
  EXPECT_EQ(parent.life.begin_micros, 0) << "it was always there";
  EXPECT_EQ(parent.life.last_micros, kDay + 10 * kSecond);
  EXPECT_EQ(parent.life.last_commit_xid, 11U);
  EXPECT_TRUE(parent.life.MayEndAfter(fork));
  EXPECT_TRUE(child.life.read);
  EXPECT_EQ(child.life.begin_micros, kDay + 60 * kSecond);
  EXPECT_TRUE(child.life.promoted);
  EXPECT_FALSE(parent.life.promoted);
  EXPECT_EQ(child.life.last_commit_micros, kDay + 70 * kSecond);
  EXPECT_TRUE(tree.WasLeftBy(parent, kDay + 60 * kSecond));
  EXPECT_FALSE(tree.WasLeftBy(parent, kDay + 59 * kSecond)) << "it was not yet";
  EXPECT_FALSE(tree.WasLeftBy(child, INT64_MAX));
}

TEST_F(BranchLifeTest, ACheckpointSaysTheSecondAndTheFirstCommitTheRest) {
  WalBuilder one;
  Commit(one, 10, kDay + 400000);
  const Lsn fork = one.at();
  WalBuilder two = one;
  Commit(one, 11, kDay + 500000);
  Archive(one, 1, Lsn{3 * kSegment});
  two.set_timeline(2);
  EndOfRecoveryCheckpoint(two, kDay);
  WalBuilder quiet = two;
  Commit(two, 11, kDay + 700000);
  Archive(two, 2, fork);
  quiet.set_timeline(3);
  Archive(quiet, 3, fork);
  for (const uint32_t timeline : {2U, 3U}) History(timeline, fork);
  const BranchTree tree = Load();
  ASSERT_EQ(tree.branches().size(), 3U);
  EXPECT_FALSE(tree.branches()[1].life.promoted) << "restored, not promoted";
  EXPECT_EQ(tree.branches()[1].life.begin_micros, kDay + 500001) << "after what it left had ended";
  EXPECT_EQ(tree.branches()[1].life.begun_by_micros, kDay + 700000);
  EXPECT_EQ(tree.branches()[2].life.begun_by_micros, kDay + kSecond - 1);
}

TEST_F(BranchLifeTest, ABranchWithoutRecordsIsDatedByTheStore) {
  WalBuilder one;
  Commit(one, 10, kDay);
  const Lsn fork = one.at();
  Archive(one, 1, Lsn{3 * kSegment});
  History(2, fork);
  const BranchTree tree = Load();
  ASSERT_EQ(tree.branches().size(), 2U);
  EXPECT_FALSE(tree.branches()[1].life.read);
  EXPECT_GT(tree.branches()[1].life.begin_micros, kDay);
  EXPECT_FALSE(tree.branches()[0].life.MayEndAfter(fork)) << "everything behind the fork was read";
}

// A standby was promoted by mistake and killed; production lives on. Both disks are pushed when all is over.
TEST_F(BranchLifeTest, AnUnfinishedSegmentCountsAsFarAsItGoes) {
  WalBuilder one;
  Commit(one, 10, kDay);
  const Lsn fork = one.at();
  WalBuilder two = one;
  Commit(one, 11, kDay + 500 * kSecond);
  one.AddFiller(kSegment);
  Archive(one, 1, Lsn{3 * kSegment});
  Commit(one, 12, kDay + 600 * kSecond);
  ArchiveBeginning(one, 1);
  two.set_timeline(2);
  EndOfRecovery(two, kDay + 60 * kSecond);
  Commit(two, 11, kDay + 70 * kSecond);
  ArchiveBeginning(two, 2);
  History(2, fork);

  const BranchTree tree = Load();
  ASSERT_EQ(tree.branches().size(), 2U);
  const Branch &production = tree.branches()[0], &mistake = tree.branches()[1];
  EXPECT_TRUE(mistake.life.read) << "and not dated by when it was pushed";
  EXPECT_EQ(mistake.life.begin_micros, kDay + 60 * kSecond);
  EXPECT_TRUE(mistake.life.promoted);
  EXPECT_EQ(mistake.life.last_commit_micros, kDay + 70 * kSecond);
  EXPECT_TRUE(mistake.life.ends_complete);
  EXPECT_EQ(mistake.unfinished, 1U);
  EXPECT_TRUE(DescribeBranch(mistake).ends_with("(transaction 11), 1 unfinished segment")) << DescribeBranch(mistake);
  EXPECT_EQ(production.life.last_commit_xid, 12U);
  EXPECT_EQ(production.life.last_micros, kDay + 600 * kSecond);
  EXPECT_FALSE(tree.WasLeftBy(production, INT64_MAX));
  EXPECT_FALSE(tree.WasLeftBy(mistake, INT64_MAX));
}

// What an old primary wrote after a failover, in the segment in which it was left, and no other.
TEST_F(BranchLifeTest, AnOldPrimaryGoesOnInAnUnfinishedSegment) {
  WalBuilder one;
  one.AddFiller(kSegment);
  Commit(one, 10, kDay);
  const Lsn fork = one.at();
  WalBuilder before = one, two = one;
  before.Switch();
  const std::string first = SegmentFileName(Timeline{1}, SegmentOf(Lsn{3 * kSegment}, kSegment), kSegment);
  ASSERT_TRUE(repository_
                  ->CreateObject(ObjectKind::kWal, layout::WalKey(first),
                                 before.Segment(SegmentOf(Lsn{3 * kSegment}, kSegment)), ctx_)
                  .ok());
  two.set_timeline(2);
  EndOfRecovery(two, kDay + 60 * kSecond);
  Commit(two, 11, kDay + 70 * kSecond);
  Archive(two, 2, fork);
  History(2, fork);
  {
    const BranchTree tree = Load();
    EXPECT_TRUE(tree.WasLeftBy(tree.branches()[0], INT64_MAX));
  }
  Commit(one, 11, kDay + 500 * kSecond);
  ArchiveBeginning(one, 1);
  const BranchTree tree = Load();
  const Branch &old = tree.branches()[0], &primary = tree.branches()[1];
  EXPECT_EQ(old.life.last_commit_micros, kDay + 500 * kSecond);
  EXPECT_TRUE(old.life.MayEndAfter(fork));
  EXPECT_FALSE(tree.WasLeftBy(old, INT64_MAX));
  EXPECT_EQ(GrowingAncestors(tree, primary).size(), 1U);
}

// Behind the beginning of a segment its rest is missing, when others follow.
TEST_F(BranchLifeTest, AnUnfinishedSegmentBeforeOthersIsAGap) {
  WalBuilder one;
  Commit(one, 10, kDay);
  ArchiveBeginning(one, 1);
  one.AddFiller(kSegment);
  const Lsn last{SegmentOf(one.at(), kSegment).value * kSegment};
  EndOfRecovery(one, kDay + 10 * kSecond);
  Archive(one, 1, last);
  const Lsn fork{last.value + 0x1000};
  History(2, fork);
  const BranchTree tree = Load();
  ASSERT_EQ(tree.branches().size(), 2U);
  const BranchLife& life = tree.branches()[0].life;
  EXPECT_EQ(life.last_micros, kDay + 10 * kSecond);
  EXPECT_FALSE(life.last_end.valid());
  EXPECT_TRUE(life.MayEndAfter(Lsn{3 * kSegment + 0x1000})) << "in what is missing";
}

// A failover without loss to a machine whose clock is behind.
TEST_F(BranchLifeTest, WhatLiesBeforeAForkWasWrittenBeforeItWhateverTheClocksSay) {
  WalBuilder one;
  Commit(one, 10, kDay);
  const Lsn fork = one.at();
  WalBuilder two = one;
  ArchiveBeginning(one, 1);
  two.set_timeline(2);
  EndOfRecovery(two, kDay - 300 * kSecond);
  Commit(two, 11, kDay - 290 * kSecond);
  Archive(two, 2, fork);
  History(2, fork);
  {
    const BranchTree tree = Load();
    ASSERT_EQ(tree.branches().size(), 2U);
    EXPECT_FALSE(tree.branches()[0].life.MayGoOnAfter(fork));
    EXPECT_TRUE(tree.WasLeftBy(tree.branches()[0], INT64_MAX));
    EXPECT_TRUE(GrowingAncestors(tree, tree.branches()[1]).empty());
  }
  // With a transaction behind the fork it is another matter.
  Commit(one, 11, kDay + kSecond);
  ArchiveBeginning(one, 1);
  const BranchTree tree = Load();
  EXPECT_FALSE(tree.WasLeftBy(tree.branches()[0], INT64_MAX));
  EXPECT_EQ(GrowingAncestors(tree, tree.branches()[1]).size(), 1U);
}

TEST_F(BranchLifeTest, DamagedWalIsNoError) {
  WalBuilder one;
  Commit(one, 10, kDay);
  Archive(one, 1, Lsn{3 * kSegment});
  for (const char* name : {"000000020000000000000003", "00000002.history"})
    ASSERT_TRUE(repository_
                    ->CreateObject(ObjectKind::kWal, layout::WalKey(name),
                                   AsBytes(std::string_view(name).ends_with("history") ? "1\t0/300100\tx\n" : "x"),
                                   ctx_)
                    .ok());
  const BranchTree tree = Load();
  ASSERT_EQ(tree.branches().size(), 2U);
  EXPECT_FALSE(tree.branches()[1].life.read);
}

}  // namespace
}  // namespace pitr
