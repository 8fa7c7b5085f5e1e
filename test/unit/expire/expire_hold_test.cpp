// What an expiry leaves alone because it is being restored, and the marks by which a restore learns of an expiry.
#include <gtest/gtest.h>

#include "core/repo/backup_pin.h"
#include "unit/expire/expire_fixture.h"

namespace pitr {
namespace {

using namespace test;

class ExpireHold : public ExpireTest {
 protected:
  ExpireHold() {
    AddDays({"a", "b", "c", "d"});
    request_.policy.full = 2;
  }
  uint32_t Hold(const std::string& label, int64_t millis = kDayMillis) {
    const auto slot = CreateHold(*repository_, label, millis * 1000, "host x, process 7", ctx_);
    EXPECT_TRUE(slot.ok()) << TextOf(slot);
    return slot.ok() ? slot.value() : 0;
  }
  bool HasMark(const std::string& label) { return Has(layout::BackupKey(label, layout::BackupObject::kAloneMark)); }
};

TEST_F(ExpireHold, ABackupThatIsBeingRestoredStaysWithAllWalAfterIt) {
  const uint32_t slot = Hold("b");
  AddChangeMaps(1, 10, 49);
  const ExpireReport report = MustRun();
  EXPECT_EQ(Labels(), "b c d");
  const ExpireRow* row = Find(report, ExpireAction::kKeep, "b");
  ASSERT_NE(row, nullptr);
  EXPECT_NE(row->why.find("held for a restore until 2023-11-19"), std::string::npos) << row->why;
  EXPECT_NE(row->why.find("host x, process 7"), std::string::npos) << row->why;
  for (uint64_t segment = 20; segment <= 49; segment++) EXPECT_TRUE(HasSegment(1, segment)) << segment;
  EXPECT_FALSE(HasSegment(1, 19));
  EXPECT_FALSE(HasMark("b"));

  clock_.Advance(kDayMillis);
  MustRun();
  EXPECT_EQ(Labels(), "c d");
  EXPECT_FALSE(HasSegment(1, 29));
  EXPECT_FALSE(Has(layout::HoldKey("b", slot))) << "it goes with the backup";
}

TEST_F(ExpireHold, OneThatIsKeptForItselfKeepsItsWalWhileItIsRestored) {
  ASSERT_TRUE(PinBackup(*repository_, {.label = "a"}, ctx_).ok());
  Hold("a");
  MustRun();
  EXPECT_EQ(Labels(), "a c d");
  for (uint64_t segment = 10; segment <= 49; segment++) EXPECT_TRUE(HasSegment(1, segment)) << segment;
  EXPECT_FALSE(HasMark("a"));
  clock_.Advance(kDayMillis);
  MustRun();
  EXPECT_EQ(Labels(), "a c d");
  EXPECT_TRUE(HasSegment(1, 11));
  EXPECT_FALSE(HasSegment(1, 12)) << "the pin keeps what makes it consistent";
  EXPECT_TRUE(HasMark("a"));
  EXPECT_TRUE(KeysUnder("backup/a/hold.").empty()) << "ended holds are swept";
}

TEST_F(ExpireHold, DryRunsMarkNothing) {
  ASSERT_TRUE(PinBackup(*repository_, {.label = "a"}, ctx_).ok());
  const std::vector<std::string> before = memory_.Keys();
  request_.dry_run = true;
  MustRun();
  EXPECT_EQ(memory_.Keys(), before);
}

TEST_F(ExpireHold, ALongerHoldOutlivesAnEndedOne) {
  Hold("c", kHourMillis);
  const uint32_t longer = Hold("c", 2 * kDayMillis);
  clock_.Advance(kDayMillis);
  const ExpireReport report = MustRun();
  EXPECT_EQ(KeysUnder("backup/c/hold."), std::vector<std::string>{layout::HoldKey("c", longer)});
  const ExpireRow* row = Find(report, ExpireAction::kDelete, "c");
  ASSERT_NE(row, nullptr);
  EXPECT_EQ(row->what, "restore hold");
  EXPECT_EQ(row->objects, 1u);
}

TEST_F(ExpireHold, ByNameItGoesByForceOnly) {
  Hold("b");
  request_.labels = {"b"};
  const auto refused = Run();
  EXPECT_EQ(refused.code(), Code::kConflict);
  EXPECT_NE(TextOf(refused).find("held for a restore until"), std::string::npos) << TextOf(refused);
  EXPECT_NE(TextOf(refused).find("Wait until then"), std::string::npos) << TextOf(refused);
  EXPECT_EQ(Labels(), "a b c d");
  request_.force = true;
  MustRun();
  EXPECT_EQ(Labels(), "a c d");
  EXPECT_TRUE(KeysUnder("backup/b/").empty());
}

TEST_F(ExpireHold, AnUnreadableHoldHoldsForALimitedTime) {
  const uint32_t slot = Hold("b", kHourMillis);
  ASSERT_TRUE(memory_.FlipBit(layout::HoldKey("b", slot), 800));
  clock_.Advance(20 * kDayMillis);
  MustRun();
  EXPECT_EQ(Labels(), "b c d");
  clock_.Advance(5 * kDayMillis);
  MustRun();
  EXPECT_EQ(Labels(), "c d");
}

TEST_F(ExpireHold, TheStoresErrorsEndTheExpiryBeforeAnythingGoes) {
  Hold("b");
  faults().Inject({.op = StoreOp::kGet, .key_contains = "/hold."});
  EXPECT_EQ(Run().code(), Code::kUnavailable);
  EXPECT_EQ(Labels(), "a b c d");
}

}  // namespace
}  // namespace pitr
