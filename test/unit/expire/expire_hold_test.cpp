// What an expiry leaves alone because it is being restored, and the marks by which a restore learns of an expiry.
#include <gtest/gtest.h>

#include "core/repo/backups/backup_pin.h"
#include "core/repo/opening/open_repository.h"
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

// Another host's backup that has had nothing to store for days: its signs of life keep it and what it builds on, and
// their age is told by the store's clock, whatever the writer's says.
TEST_F(ExpireHold, ASlowBackupIsSparedByItsSignsOfLife) {
  BeginBackup({.label = "slow", .type = BackupType::kIncr, .parent = "b", .first = 50});
  BeginBackup({.label = "dead", .first = 50});
  for (int hours = 0; hours < 48; hours += 12) {
    clock_.Advance(kDayMillis / 2);
    const auto sign = CreateHold(*repository_, "slow", kHourMillis * 1000, "host y, taking it", ctx_);
    ASSERT_TRUE(sign.ok()) << TextOf(sign);
  }
  // The time that the hold itself names has passed, and another expiry has seen that.
  clock_.Advance(2 * kHourMillis);
  MustRun();
  clock_.Advance(kDayMillis - 4 * kHourMillis);
  MustRun();
  EXPECT_EQ(Labels(), "b c d");
  EXPECT_TRUE(Has("backup/slow/start"));
  EXPECT_EQ(KeysUnder("data/slow/").size(), 2U);
  EXPECT_TRUE(KeysUnder("backup/dead/").empty());
  EXPECT_TRUE(KeysUnder("data/dead/").empty());

  // The signs have ended.
  clock_.Advance(3 * kHourMillis);
  MustRun();
  EXPECT_TRUE(KeysUnder("backup/slow/").empty());
  EXPECT_TRUE(KeysUnder("data/slow/").empty());
  MustRun();
  EXPECT_EQ(Labels(), "c d") << "nobody builds on it any more";
}

// Stamps what is created with a clock of its own.
class OwnTimeStore final : public FaultyStore {
 public:
  OwnTimeStore(ObjectStore& inner, const Clock& clock) : FaultyStore(inner), clock_(clock) {}
  Status Create(const std::string& key, ByteView body, const OpContext& ctx) override {
    OpContext own = ctx;
    own.clock = &clock_;
    return FaultyStore::Create(key, body, own);
  }

 private:
  const Clock& clock_;
};

// Age is told by the earlier of two clocks, that of the host which expires and the store's.
TEST_F(ExpireHold, AWrongClockKillsNoBackup) {
  BeginBackup({.label = "slow", .first = 50});
  repository_ = OpenRepositoryOn(std::make_unique<OwnTimeStore>(memory_, clock_), config_, NullLog(), ctx_).value();
  TestClock here;
  ctx_.clock = &here;
  const auto run_at = [&](int64_t store_millis, int64_t here_millis) {
    clock_.Advance(store_millis);
    here.Advance(clock_.SteadyMillis() + here_millis - here.SteadyMillis());
    MustRun();
  };
  run_at(kDayMillis - kHourMillis, 5 * kDayMillis);  // minutes old, says the store
  EXPECT_TRUE(Has("backup/slow/start"));
  run_at(2 * kDayMillis, -3 * kDayMillis);
  EXPECT_TRUE(Has("backup/slow/start"));
  run_at(0, 0);
  EXPECT_FALSE(Has("backup/slow/start"));
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
