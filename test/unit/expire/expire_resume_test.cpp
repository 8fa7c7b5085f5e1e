// What expiry does with interrupted backups and those that take over from them.
#include <gtest/gtest.h>

#include "unit/expire/expire_fixture.h"

namespace pitr {
namespace {

using namespace test;

class ExpireResumeTest : public ExpireTest {
 protected:
  // Finishes a backup that was begun with CreateStart or Interrupt, listing packs of others.
  void Finish(const std::string& label, const std::vector<std::string>& borrowed) {
    for (uint32_t number : {1, 2})
      if (!Has(layout::PackKey(label, number))) PutRaw(layout::PackKey(label, number), 1000);
    PutRaw(layout::BackupKey(label, layout::BackupObject::kFiles), 500);
    ASSERT_TRUE(CreateManifest({.label = label, .first = 1, .last = 2, .borrowed = borrowed}).ok());
  }
  void GrowOld() { clock_.Advance(kDayMillis + kHourMillis); }
};

TEST_F(ExpireResumeTest, WhatARunningBackupTakesOverStays) {
  Interrupt("a", 3);
  GrowOld();
  ASSERT_TRUE(CreateStart("b", "", {"a"}).ok());
  MustRun();
  EXPECT_EQ(KeysUnder("data/a/").size(), 3u);
  EXPECT_EQ(KeysUnder("backup/a/").size(), 4u);
  GrowOld();
  MustRun();
  EXPECT_TRUE(KeysUnder("data/").empty()) << "both are dead";
  EXPECT_TRUE(KeysUnder("backup/").empty());
}

TEST_F(ExpireResumeTest, AChainOfInterruptionsStaysWhileTheLastOneMayGoOn) {
  Interrupt("a", 2);
  GrowOld();
  Interrupt("b", 2, {"a"});
  GrowOld();
  Interrupt("c", 2, {"b"});
  MustRun();
  EXPECT_EQ(KeysUnder("data/").size(), 6u);
  clock_.Advance(kDayMillis / 2);
  PutRaw(layout::PackKey("c", 3), 1000);
  clock_.Advance(kDayMillis / 2 + kHourMillis);
  MustRun();
  EXPECT_EQ(KeysUnder("data/").size(), 7u) << "it still writes";
  GrowOld();
  MustRun();
  EXPECT_TRUE(KeysUnder("data/").empty());
  EXPECT_TRUE(KeysUnder("backup/").empty());
}

TEST_F(ExpireResumeTest, OfWhatWasTakenOverOnlyWhatIsListedStays) {
  request_.policy.full = 1;
  Interrupt("a", 3);
  ASSERT_TRUE(CreateStart("b", "", {"a"}).ok());
  AddWal(1, 1, 9);
  Finish("b", {"data/a/000002"});
  MustRun();
  EXPECT_EQ(KeysUnder("data/a/").size(), 3u) << "its writer may be at work";
  GrowOld();
  MustRun();
  EXPECT_EQ(KeysUnder("data/a/"), std::vector<std::string>{"data/a/000002"});
  EXPECT_EQ(KeysUnder("backup/a/"), (std::vector<std::string>{"backup/a/expire", "backup/a/start"}));
  ExpectWhole("swept");
  EXPECT_EQ(Labels(), "b");
  // The next full backup takes its place.
  GrowOld();
  AddBackup({.label = "c", .first = 5, .last = 6});
  MustRun();
  EXPECT_EQ(Labels(), "c");
  EXPECT_TRUE(KeysUnder("data/a/").empty());
  EXPECT_TRUE(KeysUnder("backup/a/").empty());
  ExpectWhole("expired");
}

TEST_F(ExpireResumeTest, PartialMapsOfACompleteBackupGo) {
  Interrupt("a", 2);
  AddWal(1, 1, 9);
  Finish("a", {});
  request_.dry_run = true;
  ExpireReport report = MustRun();
  ASSERT_NE(Find(report, ExpireAction::kDelete, "backup/a/partial."), nullptr);
  EXPECT_EQ(KeysUnder("backup/a/").size(), 5u);
  request_.dry_run = false;
  MustRun();
  EXPECT_EQ(KeysUnder("backup/a/").size(), 3u);
  ExpectWhole("swept");
}

}  // namespace
}  // namespace pitr
