// Starts no thread.
#include "core/backup/plan/parent_choice.h"

#include <gtest/gtest.h>

#include "core/repo/layout.h"
#include "lib/repository_fixture.h"

namespace pitr {
namespace {

BackupManifest Backup(const std::string& label, BackupType type, uint32_t timeline, uint64_t stop) {
  BackupManifest backup;
  backup.label = label;
  backup.type = type;
  backup.timeline = backup.stop_timeline = Timeline{timeline};
  backup.start_lsn = Lsn{stop - 0x100};
  backup.stop_lsn = Lsn{stop};
  return backup;
}

std::string Labels(const std::vector<const BackupManifest*>& backups) {
  std::string text;
  for (const BackupManifest* backup : backups) text += backup->label + " ";
  return text;
}

class ParentCandidatesTest : public testing::Test {
 protected:
  std::string Candidates(BackupType type, const TimelineHistory& history) {
    passed_over_.clear();
    return Labels(ParentCandidates(catalog_, type, history, passed_over_));
  }
  BackupCatalog catalog_;
  std::vector<std::string> passed_over_;
};

TEST_F(ParentCandidatesTest, TheNewestComesFirstAndADifferentialNeedsAFullOne) {
  catalog_.backups = {Backup("f1", BackupType::kFull, 1, 0x1000), Backup("i1", BackupType::kIncr, 1, 0x2000),
                      Backup("f2", BackupType::kFull, 1, 0x3000), Backup("d2", BackupType::kDiff, 1, 0x4000)};
  const TimelineHistory history = TimelineHistory::Root(Timeline{1});
  EXPECT_EQ(Candidates(BackupType::kIncr, history), "d2 f2 i1 f1 ");
  EXPECT_EQ(Candidates(BackupType::kDiff, history), "f2 f1 ");
  EXPECT_TRUE(passed_over_.empty());
}

TEST_F(ParentCandidatesTest, OnlyBackupsOfThisTimelinesHistoryCanBeBuiltOn) {
  catalog_.backups = {
      Backup("before", BackupType::kFull, 1, 0x5000000), Backup("after", BackupType::kFull, 1, 0x7000001),
      Backup("branch", BackupType::kFull, 2, 0x8000000), Backup("ours", BackupType::kIncr, 3, 0x9000000)};
  auto history = TimelineHistory::Parse(Timeline{3}, "1\t0/7000000\tno recovery target specified\n");
  ASSERT_TRUE(history.ok()) << history.status().ToString();
  EXPECT_EQ(Candidates(BackupType::kIncr, history.value()), "ours before ");
  ASSERT_EQ(passed_over_.size(), 2U);
  EXPECT_NE(passed_over_[0].find("\"branch\""), std::string::npos) << passed_over_[0];
  EXPECT_NE(passed_over_[1].find("timeline 1"), std::string::npos) << passed_over_[1];
}

// However old the mark is: its writer may go on in a moment, and a new backup must not be stopped by it for ever.
TEST_F(ParentCandidatesTest, WhatAnExpiryHasMarkedIsPassedOver) {
  catalog_.backups = {Backup("f", BackupType::kFull, 1, 0x1000), Backup("i1", BackupType::kIncr, 1, 0x2000),
                      Backup("i2", BackupType::kIncr, 1, 0x3000)};
  catalog_.expiring = {"i2"};
  const TimelineHistory history = TimelineHistory::Root(Timeline{1});
  EXPECT_EQ(Candidates(BackupType::kIncr, history), "i1 f ");
  ASSERT_EQ(passed_over_.size(), 1U);
  EXPECT_NE(passed_over_[0].find("\"i2\" has been marked by an expiry"), std::string::npos) << passed_over_[0];
  catalog_.expiring = {"f", "i1", "i2"};
  EXPECT_EQ(Candidates(BackupType::kIncr, history), "");
}

// Made when page LSNs were believed without data checksums; what builds on it is no better, by whatever source.
TEST_F(ParentCandidatesTest, AnIncrementByPageLsnWithoutChecksumsIsNotBuiltOn) {
  catalog_.backups = {Backup("f", BackupType::kFull, 1, 0x1000), Backup("i1", BackupType::kIncr, 1, 0x2000),
                      Backup("i2", BackupType::kIncr, 1, 0x3000)};
  catalog_.backups[1].parent_label = "f";
  catalog_.backups[1].chain_length = 2;
  catalog_.backups[1].change_origin = ChangeOrigin{ChangeKind::kPageLsn, "", false};
  catalog_.backups[2].parent_label = "i1";
  catalog_.backups[2].chain_length = 3;
  catalog_.backups[2].change_origin = ChangeOrigin{ChangeKind::kChangeMaps, "", false};
  const TimelineHistory history = TimelineHistory::Root(Timeline{1});
  EXPECT_EQ(Candidates(BackupType::kIncr, history), "f ");
  ASSERT_EQ(passed_over_.size(), 2U);
  EXPECT_NE(passed_over_[0].find("\"i2\" may be wrong: it builds on backup \"i1\", which took"), std::string::npos)
      << passed_over_[0];
  EXPECT_NE(passed_over_[1].find("without data checksums"), std::string::npos) << passed_over_[1];
  for (BackupManifest& backup : catalog_.backups) backup.data_checksums = true;
  EXPECT_EQ(Candidates(BackupType::kIncr, history), "f i1 i2 ");
}

class ForeignParentTest : public test::RepositoryTest {};

// Night 1 of a staging server and production after a recovery have both given number 2.
TEST_F(ForeignParentTest, ABackupOfAnotherTimelineOfThatNumberIsNotBuiltOn) {
  const auto repository = MustOpenOrCreate(config_);
  const auto store = [&](const std::string& name, const std::string& content) {
    ASSERT_TRUE(repository->CreateObject(ObjectKind::kWal, layout::WalKey(name), AsBytes(content), ctx_).ok());
  };
  store("00000002.history", "1\t0/900000\tno recovery target specified\n");
  BackupCatalog catalog;
  catalog.backups = {Backup("night1", BackupType::kFull, 2, 0xA00000)};
  const auto candidates = [&](const std::string& text) {
    const auto named = TimelineHistory::Parse(Timeline{4}, text);
    const auto history = WithoutForeign(*repository, named.value(), catalog, ctx_);
    EXPECT_TRUE(history.ok()) << history.status().ToString();
    std::vector<std::string> passed_over;
    return Labels(ParentCandidates(catalog, BackupType::kIncr, history.value(), passed_over));
  };
  EXPECT_EQ(candidates("1\t0/900000\tx\n2\t0/1400000\ty\n"), "night1 ");
  EXPECT_EQ(candidates("1\t0/C00000\tx\n2\t0/1400000\ty\n"), "");
  catalog.backups.push_back(Backup("night2", BackupType::kFull, 4, 0x1500000));
  EXPECT_EQ(candidates("1\t0/C00000\tx\n2\t0/1400000\ty\n"), "night2 ");
}

}  // namespace
}  // namespace pitr
