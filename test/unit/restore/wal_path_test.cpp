// Starts no thread.
#include "core/restore/wal_path.h"

#include "core/pg/wal_name.h"
#include "core/repo/layout.h"
#include "lib/repository_fixture.h"

namespace pitr {
namespace {

constexpr uint32_t kWalPathSize = 1U << 20;

// Timeline 1 has segments 3 to 9; timeline 2 left it in segment 6 and has 6 to 8 and 10; timeline 3 left 2 in segment 8
// and has nothing but its history.
class WalPathTest : public test::RepositoryTest {
 protected:
  void SetUp() override {
    repository_ = MustOpenOrCreate(config_);
    for (uint64_t no = 3; no <= 9; ++no) Put(SegmentFileName(Timeline{1}, SegmentNo{no}, kWalPathSize), "x");
    for (uint64_t no : {6, 7, 8, 10}) Put(SegmentFileName(Timeline{2}, SegmentNo{no}, kWalPathSize), "x");
    Put("00000002.history", "1\t0/600100\tbefore the accident\n");
    Put("00000003.history", "1\t0/600100\tbefore the accident\n2\t0/800200\tagain\n");
    auto loaded = WalCatalog::Load(*repository_, ctx_);
    ASSERT_TRUE(loaded.ok()) << loaded.status().ToString();
    catalog_ = loaded.value();
  }
  void Put(const std::string& name, std::string_view content) {
    ASSERT_TRUE(repository_->CreateObject(ObjectKind::kWal, layout::WalKey(name), AsBytes(content), ctx_).ok());
  }
  WalPath Path(uint32_t timeline) { return WalPath::Make(catalog_, Timeline{timeline}, kWalPathSize).value(); }
  std::unique_ptr<Repository> repository_;
  WalCatalog catalog_;
};

TEST_F(WalPathTest, TheSegmentOfASwitchIsReadFromTheChild) {
  const WalPath path = Path(2);
  EXPECT_EQ(path.TimelineOf(SegmentNo{5}), Timeline{1});
  EXPECT_EQ(path.TimelineOf(SegmentNo{6}), Timeline{2});
  EXPECT_EQ(path.UnbrokenUntil(SegmentNo{3}), SegmentNo{8});
  EXPECT_EQ(path.UnbrokenUntil(SegmentNo{2}), std::nullopt);
  EXPECT_EQ(path.Newest(), SegmentNo{10});
  EXPECT_EQ(Path(1).UnbrokenUntil(SegmentNo{3}), SegmentNo{9});
}

TEST_F(WalPathTest, ANumberIsNoIdentity) {
  EXPECT_FALSE(Path(3).foreign().valid());
  Put("00000005.history", "1\t0/700100\tanother\n2\t0/800200\tagain\n");
  catalog_ = WalCatalog::Load(*repository_, ctx_).value();
  const WalPath path = Path(5);
  EXPECT_EQ(path.foreign(), Timeline{2});
  EXPECT_FALSE(path.history().Includes(Timeline{2}));
  EXPECT_FALSE(path.history().Includes(Timeline{1}));
  EXPECT_EQ(path.TimelineOf(SegmentNo{7}), Timeline{5}) << "not the archive's";
  EXPECT_FALSE(path.Has(SegmentNo{7}));
  // A timeline of which only WAL is stored is what it is called.
  Put("00000006.history", "1\t0/600100\tx\n4\t0/800200\ty\n");
  catalog_ = WalCatalog::Load(*repository_, ctx_).value();
  EXPECT_FALSE(Path(6).foreign().valid());
}

TEST_F(WalPathTest, ABackupCarriesTheHistoryThatTheArchiveLacks) {
  Put(SegmentFileName(Timeline{4}, SegmentNo{6}, kWalPathSize), "x");
  catalog_ = WalCatalog::Load(*repository_, ctx_).value();
  EXPECT_FALSE(WalPath::Make(catalog_, Timeline{4}, kWalPathSize).ok());
  BackupManifest backup, other, impostor;
  backup.timeline = backup.stop_timeline = other.stop_timeline = Timeline{4};
  backup.history = "1\t0/600100\tx\n";
  other.history = "1\t0/700100\tx\n";
  WalCatalog doubtful = catalog_;
  doubtful.AddHistories({backup, other});
  EXPECT_FALSE(WalPath::Make(doubtful, Timeline{4}, kWalPathSize).ok()) << "they disagree";
  // Never over one that is there.
  impostor.stop_timeline = Timeline{2};
  impostor.history = "1\t0/400100\tx\n";
  catalog_.AddHistories({backup, backup, impostor});
  EXPECT_EQ(Path(4).TimelineOf(SegmentNo{5}), Timeline{1});
  EXPECT_EQ(catalog_.timelines().at(Timeline{4}).history_of_backup, backup.history);
  EXPECT_EQ(Path(2).TimelineOf(SegmentNo{5}), Timeline{1});
  EXPECT_EQ(catalog_.timelines().at(Timeline{2}).history_of_backup, "");
}

TEST_F(WalPathTest, GapsAndSpans) {
  const WalPath path = Path(2);
  const auto missing = path.Missing(SegmentNo{1}, SegmentNo{12});
  ASSERT_EQ(missing.size(), 3U);
  EXPECT_EQ(DescribeSpan(missing[0], kWalPathSize),
            "000000010000000000000001 to 000000010000000000000002 (2 segments)");
  EXPECT_EQ(DescribeSpan(missing[1], kWalPathSize), "000000020000000000000009");
  EXPECT_EQ(missing[2].first, SegmentNo{11});
  EXPECT_EQ(missing[2].last, SegmentNo{12});
  EXPECT_TRUE(path.Missing(SegmentNo{3}, SegmentNo{8}).empty());
  const auto spans = path.Spans(SegmentNo{4}, SegmentNo{7});
  ASSERT_EQ(spans.size(), 2U);
  EXPECT_EQ(spans[0].last, SegmentNo{5});
  EXPECT_EQ(spans[1].timeline, Timeline{2});
}

TEST_F(WalPathTest, AChildWithoutSegmentsWouldOvershoot) {
  const WalPath path = Path(3);
  EXPECT_EQ(WalPath::NewestTimeline(catalog_), Timeline{3});
  EXPECT_EQ(path.UnbrokenUntil(SegmentNo{3}), SegmentNo{7});
  EXPECT_TRUE(path.WouldOvershoot(SegmentNo{8})) << "the server would read timeline 2's";
  EXPECT_FALSE(path.WouldOvershoot(SegmentNo{7}));
  EXPECT_FALSE(path.WouldOvershoot(SegmentNo{11}));
}

TEST_F(WalPathTest, BackupsOnOtherBranchesDoNotLeadHere) {
  BackupManifest backup;
  backup.timeline = backup.stop_timeline = Timeline{1};
  backup.start_lsn = Lsn{0x400028};
  backup.stop_lsn = Lsn{0x400100};
  EXPECT_TRUE(Path(1).LeadsFrom(backup));
  EXPECT_TRUE(Path(3).LeadsFrom(backup));
  backup.stop_lsn = Lsn{0x600101};  // ended after timeline 2 had left
  EXPECT_FALSE(Path(2).LeadsFrom(backup));
  EXPECT_TRUE(Path(1).LeadsFrom(backup));
  backup.timeline = backup.stop_timeline = Timeline{2};
  backup.start_lsn = Lsn{0x700028};
  backup.stop_lsn = Lsn{0x700100};
  EXPECT_FALSE(Path(1).LeadsFrom(backup));
  EXPECT_TRUE(Path(2).LeadsFrom(backup));
}

TEST_F(WalPathTest, WhatIsMissingIsNamed) {
  EXPECT_EQ(WalPath::Make(catalog_, Timeline{7}, kWalPathSize).code(), Code::kNotFound);
  Put(SegmentFileName(Timeline{4}, SegmentNo{12}, kWalPathSize), "x");
  auto again = WalCatalog::Load(*repository_, ctx_);
  auto path = WalPath::Make(again.value(), Timeline{4}, kWalPathSize);
  ASSERT_EQ(path.code(), Code::kNotFound);
  EXPECT_NE(path.status().ToString().find("00000004.history"), std::string::npos);
}

}  // namespace
}  // namespace pitr
