// Collecting the changes between two backups: from change maps, from pg_wal, from WAL summaries.
#include "core/backup/changes/wal_since_parent.h"

#include <atomic>
#include <thread>

#include "core/pg/crc32c.h"
#include "core/pg/wal_name.h"
#include "core/pg/wal_summary.h"
#include "core/repo/archive/change_map.h"
#include "core/repo/archive/change_map_maker.h"
#include "core/repo/layout.h"
#include "core/repo/wal/wal_push.h"
#include "lib/repository_fixture.h"
#include "lib/test_clock.h"
#include "unit/pg/wal_builder.h"

namespace pitr {
namespace {

using test::TextOf;
using BlockNumbers = std::vector<uint32_t>;

constexpr uint32_t kSegmentSize = WalBuilder::kSegmentSize;
const ClusterIdentity kBuilt{WalBuilder::kSystem, kSegmentSize, 15};
const RelationFork kTable{{1663, 5, 16384}, Fork::kMain};

class WalSinceParentTest : public test::RepositoryTest {
 protected:
  WalSinceParentTest() {
    std::filesystem::create_directories(data_ + "/pg_wal/summaries");
    repository_ = MustOpenOrCreate(config_, kBuilt);
  }
  Lsn AddBlock(uint32_t block) {
    Bytes body{0, 0, 0, 0};
    for (uint32_t word : {1663u, 5u, 16384u, block}) AppendLe(body, word);
    return wal_.Add(static_cast<Rmgr>(10), 0, body);
  }
  static std::string NameOf(uint64_t no, uint32_t timeline = 1) {
    return SegmentFileName({timeline}, {no}, kSegmentSize);
  }
  void WriteLocal(uint64_t no, uint32_t timeline = 1) {
    Write("data/pg_wal/" + NameOf(no, timeline), AsText(wal_.Segment({no})));
  }
  void ArchiveWithoutMap(uint64_t no, uint32_t timeline = 1) {
    auto pushed = PushWalFile(*repository_, NameOf(no, timeline), Write("segment", AsText(wal_.Segment({no}))), ctx_);
    ASSERT_TRUE(pushed.ok()) << TextOf(pushed);
  }
  void Archive(uint64_t no, uint32_t timeline = 1) {
    ArchiveWithoutMap(no, timeline);
    const Status made = MakeChangeMap(*repository_, NameOf(no, timeline), dir_ + "/segment", ctx_);
    ASSERT_TRUE(made.ok()) << made.ToString();
  }
  Result<ChangeKnowledge> Collect(Lsn from, Lsn to, uint64_t most_read_again = kMostWalReadAgain) {
    const WalSinceParent range{TimelineHistory::Root({1}), from, to};
    return CollectArchivedChanges(*repository_, data_, range, 3, ctx_, most_read_again);
  }
  bool HasMap(uint64_t no) { return LoadChangeMap(*repository_, NameOf(no), ctx_).ok(); }
  // Five segments; segment n changes block n, and the records of blocks 103 to 106 cross their ends. Returns the end.
  Lsn Workload() {
    for (uint32_t no = 3; no <= 7; no++) {
      AddBlock(no);
      if (no == 7) break;
      while (wal_.at().value % kSegmentSize < kSegmentSize - 9000) wal_.AddFiller(4000);
      wal_.AddFiller(kSegmentSize - wal_.at().value % kSegmentSize - 64);
      AddBlock(100 + no);
      AddBlock(100 + no);
    }
    return wal_.at();
  }
  WalSummaryName WriteSummary(uint32_t timeline, Lsn from, Lsn to, uint32_t block) {
    Bytes bytes;
    for (uint32_t word : {0x652b137bu, 1663u, 5u, 16384u, 0u, UINT32_MAX, 1u}) AppendLe(bytes, word);
    AppendLe(bytes, uint16_t{1});
    AppendLe(bytes, static_cast<uint16_t>(block));
    bytes.insert(bytes.end(), 24, 0);
    AppendLe(bytes, ComputeCrc32c(bytes));
    const WalSummaryName name{{timeline}, from, to};
    Write("data/pg_wal/summaries/" + WalSummaryFileName(name), AsText(bytes));
    return name;
  }

  const std::string data_ = dir_ + "/data";
  WalBuilder wal_;
  std::unique_ptr<Repository> repository_;
};

TEST_F(WalSinceParentTest, MapsOfWholeSegmentsAndTheLastFromPgWal) {
  const Lsn end = Workload();
  for (uint64_t no = 3; no <= 6; no++) Archive(no);
  WriteLocal(7);
  AddBlock(99);  // behind the increment's start
  auto known = Collect({3u << 20}, end);
  ASSERT_TRUE(known.ok() && known.value().changes) << TextOf(known) << known.value().why_not;
  EXPECT_EQ(known.value().changes->ChangedBlocks(kTable, 0, 1000), (BlockNumbers{3, 4, 5, 6, 7, 103, 104, 105, 106}));
  known = Collect({(6u << 20) + 500}, end);
  ASSERT_TRUE(known.ok() && known.value().changes) << known.value().why_not;
  const auto late = known.value().changes->ChangedBlocks(kTable, 0, 1000);
  EXPECT_EQ(*late, (BlockNumbers{6, 7, 105, 106}));  // of 105 the second record, which is in segment 6
  known = Collect(end, end);
  ASSERT_TRUE(known.ok() && known.value().changes);
  EXPECT_EQ(known.value().changes->CountBlocks(), 0u);
}

TEST_F(WalSinceParentTest, WhatIsNotArchivedYetIsReadInPgWal) {
  const Lsn end = Workload();
  Archive(3);
  for (uint64_t no = 4; no <= 7; no++) WriteLocal(no);
  auto known = Collect({3u << 20}, end);
  ASSERT_TRUE(known.ok() && known.value().changes) << known.value().why_not;
  EXPECT_EQ(known.value().changes->ChangedBlocks(kTable, 0, 1000), (BlockNumbers{3, 4, 5, 6, 7, 103, 104, 105, 106}));
}

// Reading many maps takes long enough for the server to archive and recycle the segment that the increment starts in.
TEST_F(WalSinceParentTest, TheLastSegmentMayHaveLeftPgWal) {
  const Lsn end = Workload();
  AddBlock(99);  // behind the increment's start
  wal_.Switch();
  for (uint64_t no = 3; no <= 6; no++) Archive(no);
  ArchiveWithoutMap(7);
  auto known = Collect({3u << 20}, end);
  ASSERT_TRUE(known.ok() && known.value().changes) << TextOf(known) << known.value().why_not;
  EXPECT_EQ(known.value().changes->ChangedBlocks(kTable, 0, 1000),
            (BlockNumbers{3, 4, 5, 6, 7, 99, 103, 104, 105, 106}));
  // Its file waits to be used for a later one.
  Write("data/pg_wal/" + NameOf(7), AsText(wal_.Segment({3})));
  known = Collect({3u << 20}, end);
  ASSERT_TRUE(known.ok() && known.value().changes) << TextOf(known) << known.value().why_not;
}

TEST_F(WalSinceParentTest, AGapIsNotGuessedOver) {
  const Lsn end = Workload();
  for (uint64_t no : {3, 4, 6}) Archive(no);
  WriteLocal(7);
  auto known = Collect({3u << 20}, end);
  ASSERT_TRUE(known.ok()) << TextOf(known);
  EXPECT_FALSE(known.value().changes);
  EXPECT_EQ(known.value().why_not, "WAL segment " + NameOf(5) + " is neither in the repository nor in pg_wal");
  // A file of that name that the server keeps to use again.
  Write("data/pg_wal/" + NameOf(5), AsText(wal_.Segment({3})));
  known = Collect({3u << 20}, end);
  ASSERT_TRUE(known.ok()) << TextOf(known);
  EXPECT_FALSE(known.value().changes);
  // After the gap all is known again.
  EXPECT_TRUE(Collect({6u << 20}, end).value().changes);
}

// Each segment costs three requests to find nowhere, and one that is lost is as bad as all.
TEST_F(WalSinceParentTest, OfWalThatIsGoneNotEverySegmentIsLookedFor) {
  std::atomic<int> requests{0};
  faults().OnCall([&](test::StoreOp, const std::string&) { requests++; });
  auto known = Collect({3u << 20}, {60u << 20});
  ASSERT_TRUE(known.ok()) << TextOf(known);
  EXPECT_FALSE(known.value().changes);
  EXPECT_NE(known.value().why_not.find(" is neither in the repository nor in pg_wal"), std::string::npos);
  EXPECT_LT(requests, 30);
}

TEST_F(WalSinceParentTest, WhatHasNoMapIsReadInTheRepositoryAndItsMapIsMadeGood) {
  const Lsn end = Workload();
  for (uint64_t no : {3, 6}) Archive(no);
  for (uint64_t no : {4, 5}) ArchiveWithoutMap(no);
  WriteLocal(7);
  auto known = Collect({3u << 20}, end);
  ASSERT_TRUE(known.ok() && known.value().changes) << known.value().why_not;
  EXPECT_EQ(known.value().changes->ChangedBlocks(kTable, 0, 1000), (BlockNumbers{3, 4, 5, 6, 7, 103, 104, 105, 106}));
  EXPECT_TRUE(HasMap(4) && HasMap(5));
}

TEST_F(WalSinceParentTest, NotAnyAmountOfWalIsReadInTheRepository) {
  const Lsn end = Workload();
  for (uint64_t no = 3; no <= 6; no++) ArchiveWithoutMap(no);
  WriteLocal(7);
  auto known = Collect({3u << 20}, end, 3 * kSegmentSize);
  ASSERT_TRUE(known.ok()) << TextOf(known);
  EXPECT_FALSE(known.value().changes);
  EXPECT_NE(known.value().why_not.find("has no change map, and more than 3.0 MB of WAL would have to be read instead"),
            std::string::npos)
      << known.value().why_not;
  // Three of the four were; so it is enough the next time.
  EXPECT_TRUE(Collect({3u << 20}, end, 3 * kSegmentSize).value().changes);
}

TEST_F(WalSinceParentTest, ADamagedMapIsAReasonUnlessItsSegmentCanBeRead) {
  const Lsn end = Workload();
  for (uint64_t no = 3; no <= 6; no++) Archive(no);
  WriteLocal(7);
  const std::string key = layout::ChangeMapKey(NameOf(4));
  ASSERT_TRUE(memory_.Delete({key}, ctx_).ok());
  ASSERT_TRUE(memory_.Create(key, Bytes(500, 7), ctx_).ok());
  EXPECT_TRUE(Collect({3u << 20}, end).value().changes) << "from the repository";
  ASSERT_TRUE(memory_.Delete({layout::WalKey(NameOf(4))}, ctx_).ok());
  auto known = Collect({3u << 20}, end);
  ASSERT_TRUE(known.ok()) << TextOf(known);
  EXPECT_FALSE(known.value().changes);
  EXPECT_NE(known.value().why_not.find(key), std::string::npos) << known.value().why_not;
  WriteLocal(4);
  EXPECT_TRUE(Collect({3u << 20}, end).value().changes) << "from pg_wal";
}

TEST_F(WalSinceParentTest, MinimalWalEndsWhatIsKnown) {
  Bytes data;
  for (uint32_t word : {100u, 8u, 10u, 0u, 64u, 0u, 0u, 0u}) AppendLe(data, word);
  wal_.AddData(Rmgr::kXlog, 0x60, data);
  WriteLocal(3);
  auto known = Collect({3u << 20}, wal_.at());
  ASSERT_TRUE(known.ok()) << TextOf(known);
  EXPECT_FALSE(known.value().changes);
  EXPECT_EQ(known.value().why_not, "wal_level was minimal at 0/300028");
}

TEST_F(WalSinceParentTest, AcrossAPromotion) {
  Workload();
  for (uint64_t no = 3; no <= 5; no++) Archive(no);
  // Timeline 2 begins inside segment 5, so that the map of that segment is the one of timeline 2.
  const Lsn fork{(5u << 20) + 4096};
  WalBuilder old = wal_;
  wal_ = WalBuilder(15, {5u << 20});
  wal_.set_timeline(2);
  AddBlock(55);
  wal_.Switch();
  Archive(5, 2);
  const Lsn after = AddBlock(56);
  WriteLocal(6, 2);
  auto history = TimelineHistory::Parse({2}, "1\t" + fork.ToString() + "\tpromoted\n");
  ASSERT_TRUE(history.ok());
  auto known = CollectArchivedChanges(*repository_, data_, {history.value(), {6u << 20}, Lsn{after.value}}, 2, ctx_);
  ASSERT_TRUE(known.ok() && known.value().changes) << known.value().why_not;
  known = CollectArchivedChanges(*repository_, data_, {history.value(), {5u << 20}, wal_.at()}, 2, ctx_);
  ASSERT_TRUE(known.ok() && known.value().changes) << known.value().why_not;
  EXPECT_EQ(known.value().changes->ChangedBlocks(kTable, 0, 1000), (BlockNumbers{55, 56}));
}

TEST_F(WalSinceParentTest, SummariesThatCoverTheRange) {
  WriteSummary(1, {100}, {200}, 1);
  WriteSummary(1, {200}, {300}, 2);
  WriteSummary(2, {300}, {500}, 3);
  auto history = TimelineHistory::Parse({2}, "1\t0/12C\tpromoted\n");  // 300
  ASSERT_TRUE(history.ok());
  auto known = CollectSummarizedChanges(data_, {history.value(), {150}, {500}}, 0, ctx_);
  ASSERT_TRUE(known.ok() && known.value().changes) << known.value().why_not;
  EXPECT_EQ(known.value().changes->ChangedBlocks(kTable, 0, 10), (BlockNumbers{1, 2, 3}));
  known =
      CollectSummarizedChanges(data_, {history.value(), {90}, {500}}, 1000000, ctx_);  // an old gap is not waited for
  ASSERT_TRUE(known.ok()) << TextOf(known);
  EXPECT_EQ(known.value().why_not, "there is no WAL summary of timeline 1 from 0/5A on");
}

// At the end of a segment, as after a clean shutdown: the first summary of the new timeline begins behind the header.
TEST_F(WalSinceParentTest, SummariesAcrossAPromotionBetweenTwoPages) {
  const Lsn begin{0x8000000};
  for (const Lsn fork : {begin, Lsn{begin.value + 0x2000}}) {
    const uint64_t header = fork == begin ? 40 : 24;
    auto history = TimelineHistory::Parse({2}, "1\t" + fork.ToString() + "\tpromoted\n");
    ASSERT_TRUE(history.ok());
    const WalSinceParent range{history.value(), {begin.value - 1000}, {fork.value + 500}};
    const std::string directory = data_ + "/pg_wal/summaries";
    std::filesystem::remove_all(directory);
    std::filesystem::create_directories(directory);
    WriteSummary(1, range.from, fork, 1);
    WriteSummary(2, {fork.value + header + 24}, range.to, 2);
    auto known = CollectSummarizedChanges(data_, range, 0, ctx_);
    ASSERT_TRUE(known.ok()) << TextOf(known);
    EXPECT_FALSE(known.value().changes) << "a record is missing";
    WriteSummary(2, {fork.value + header}, range.to, 3);
    known = CollectSummarizedChanges(data_, range, 0, ctx_);
    ASSERT_TRUE(known.ok() && known.value().changes) << known.value().why_not;
    EXPECT_EQ(known.value().changes->ChangedBlocks(kTable, 0, 10), (BlockNumbers{1, 3}));
  }
}

TEST_F(WalSinceParentTest, TheSummarizerIsWaitedFor) {
  WriteSummary(1, {100}, {200}, 1);
  const WalSinceParent range{TimelineHistory::Root({1}), {100}, {300}};
  auto known = CollectSummarizedChanges(data_, range, 0, ctx_);
  ASSERT_TRUE(known.ok()) << TextOf(known);
  EXPECT_EQ(known.value().why_not, "there is no WAL summary of timeline 1 from 0/C8 on");
  std::thread summarizer([&] { WriteSummary(1, {200}, {300}, 2); });
  known = CollectSummarizedChanges(data_, range, 60000, ctx_);
  summarizer.join();
  ASSERT_TRUE(known.ok() && known.value().changes) << known.value().why_not;
  CancelToken cancel;
  cancel.Cancel();
  OpContext cancelled = ctx_;
  cancelled.cancel = &cancel;
  EXPECT_EQ(CollectSummarizedChanges(data_, {TimelineHistory::Root({1}), {100}, {900}}, 60000, cancelled).code(),
            Code::kCancelled);
}

TEST_F(WalSinceParentTest, DamagedSummariesAreAReason) {
  const WalSummaryName name = WriteSummary(1, {100}, {200}, 1);
  Write("data/pg_wal/summaries/" + WalSummaryFileName(name), "nothing");
  auto known = CollectSummarizedChanges(data_, {TimelineHistory::Root({1}), {100}, {200}}, 0, ctx_);
  ASSERT_TRUE(known.ok()) << TextOf(known);
  EXPECT_EQ(known.value().why_not, "WAL summary \"" + WalSummaryFileName(name) + "\" is damaged");
}

TEST_F(WalSinceParentTest, TheParentMustBeOnThePath) {
  BackupManifest parent;
  parent.label = "one";
  parent.timeline = parent.stop_timeline = {1};
  parent.start_lsn = {0x200};
  parent.stop_lsn = {0x300};
  auto range = FindWalSinceParent(*repository_, data_, parent, {1}, {0x500}, ctx_);
  ASSERT_TRUE(range.ok()) << TextOf(range);
  EXPECT_EQ(range.value().from, (Lsn{0x200}));
  EXPECT_EQ(FindWalSinceParent(*repository_, data_, parent, {2}, {0x500}, ctx_).code(), Code::kNotFound);
  Write("data/pg_wal/00000002.history", "1\t0/280\tx\n");
  EXPECT_EQ(FindWalSinceParent(*repository_, data_, parent, {2}, {0x500}, ctx_).code(), Code::kConflict);
  Write("data/pg_wal/00000002.history", "1\t0/400\tx\n");
  EXPECT_TRUE(FindWalSinceParent(*repository_, data_, parent, {2}, {0x500}, ctx_).ok());
}

}  // namespace
}  // namespace pitr
