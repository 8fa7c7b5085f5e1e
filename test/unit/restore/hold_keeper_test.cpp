// Restores against expiries: what they hold, what they refuse, and that a repository that cannot be written to is no
// obstacle.
#include "core/restore/hold_keeper.h"

#include "core/repo/backups/expire_mark.h"
#include "core/repo/backups/restore_hold.h"
#include "core/repo/layout.h"
#include "unit/restore/restore_fixture.h"

namespace pitr {
namespace {

namespace fs = std::filesystem;
using test::StoreOp;

constexpr int64_t kHourMicros = int64_t{3600} * 1000000;
constexpr int64_t kLimitMillis = 30000;

class HoldKeeperTest : public test::RestoreFixture {
 protected:
  void SetUp() override {
    Prepare(false);
    options_.hold = {kHourMicros, "host x, process 7", false};
  }
  std::vector<std::string> Holds() {
    std::vector<std::string> keys = memory_.Keys();
    std::erase_if(keys, [](const std::string& key) { return !layout::ParseHoldKey(key); });
    return keys;
  }
  void Mark(layout::BackupObject mark) {
    ASSERT_TRUE(CreateMark(*repo_.repository, plan_.backup.label, mark, "host y", OpContext()).ok());
  }
  // The plan replays WAL after the backup's stop.
  void ReplayMore(uint64_t segments) {
    const SegmentNo last = LastSegment(plan_.backup);
    plan_.wal = {{{1}, FirstSegment(plan_.backup), {last.value + segments}}};
  }
  void PutWal() {
    for (SegmentNo at = plan_.wal[0].first; at <= plan_.wal[0].last; at.value++) {
      const std::string name = SegmentFileName({1}, at, repo_.repository->segment_size());
      if (!memory_.Stat(layout::WalKey(name), OpContext()).ok()) memory_.Replace(layout::WalKey(name), Bytes(100));
    }
  }
  void ExpectConflict(const std::string& part) {
    const auto result = Run();
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.code(), Code::kConflict) << result.status().ToString();
    EXPECT_NE(result.status().ToString().find(part), std::string::npos) << result.status().ToString();
    EXPECT_FALSE(fs::exists(options_.data_directory)) << "nothing was written";
    EXPECT_TRUE(Holds().empty());
  }
  bool HasNote(const std::string& part) const {
    for (const std::string& note : result_.notes)
      if (note.find(part) != std::string::npos) return true;
    return false;
  }
};

TEST_F(HoldKeeperTest, OneNotFoundIsNoExpiry) {
  faults_->Inject({.op = StoreOp::kStat,
                   .status = {Code::kNotFound, "no"},
                   .key_contains = "backup/" + plan_.backup.label + "/manifest"});
  const auto result = Run();
  EXPECT_TRUE(result.ok()) << result.status().ToString();
}

TEST_F(HoldKeeperTest, ARestoreLeavesAHoldForTheReplay) {
  std::vector<std::string> while_copying;
  faults_->OnCall([&](StoreOp op, const std::string& key) {
    if (op == StoreOp::kGet && layout::LabelOfPackKey(key) && while_copying.empty()) while_copying = Holds();
  });
  const int64_t begun = SystemClock().WallMicros();
  ASSERT_NO_FATAL_FAILURE(MustRun());
  faults_->OnCall(nullptr);
  EXPECT_EQ(while_copying.size(), 1u);
  EXPECT_EQ(Holds().size(), 2u) << "the whole length is left for the replay, and no hold goes before it has ended";
  EXPECT_GE(result_.held_until_micros, begun + kHourMicros);
  for (const std::string& name : Holds()) {
    const auto key = layout::ParseHoldKey(name);
    const auto hold = ReadHold(*repo_.repository, key->label, key->slot, begun, OpContext());
    ASSERT_TRUE(hold.ok());
    EXPECT_EQ(hold.value().label, plan_.backup.label);
    EXPECT_EQ(hold.value().lasts_micros, kHourMicros);
    EXPECT_EQ(hold.value().held_by, "host x, process 7");
  }
  EXPECT_FALSE(HasNote("expired")) << testing::PrintToString(result_.notes);
}

TEST_F(HoldKeeperTest, WithoutAHoldNothingIsWritten) {
  options_.hold.lasts_micros = 0;
  const size_t before = memory_.Keys().size();
  ASSERT_NO_FATAL_FAILURE(MustRun());
  EXPECT_EQ(memory_.Keys().size(), before);
  EXPECT_EQ(result_.held_until_micros, 0);
}

TEST_F(HoldKeeperTest, ARepositoryThatCannotBeWrittenToIsRestoredFromWithANote) {
  faults_->Inject({.op = StoreOp::kCreate, .status = {Code::kPermission, "read-only"}, .times = INT_MAX});
  ASSERT_NO_FATAL_FAILURE(MustRun());
  ExpectRestored();
  EXPECT_EQ(result_.held_until_micros, 0);
  EXPECT_TRUE(HasNote("could not be kept from being expired")) << testing::PrintToString(result_.notes);
  EXPECT_TRUE(HasNote("read-only"));
}

TEST_F(HoldKeeperTest, AHoldThatCannotBeRenewedAtTheEndIsSaidToEndEarlier) {
  faults_->Inject({.op = StoreOp::kCreate, .key_contains = "/hold.", .skip = 1, .times = INT_MAX});
  const int64_t begun = SystemClock().WallMicros();
  ASSERT_NO_FATAL_FAILURE(MustRun());
  EXPECT_TRUE(HasNote("could not be renewed")) << testing::PrintToString(result_.notes);
  EXPECT_LT(result_.held_until_micros, begun + kHourMicros);
  EXPECT_EQ(Holds().size(), 1u);
}

TEST_F(HoldKeeperTest, ABackupThatIsMarkedIsRefusedUnlessAskedFor) {
  Mark(layout::BackupObject::kExpireMark);
  ExpectConflict("is being expired");
  ExpectConflict("by host y");
  options_.hold.unprotected = true;
  ASSERT_NO_FATAL_FAILURE(MustRun());
  ExpectRestored();
  EXPECT_TRUE(HasNote("was marked to be deleted")) << testing::PrintToString(result_.notes);
}

TEST_F(HoldKeeperTest, ABackupThatIsGoneIsRefused) {
  const std::string manifest = layout::BackupKey(plan_.backup.label, layout::BackupObject::kManifest);
  ASSERT_TRUE(memory_.Delete({manifest}, OpContext()).ok());
  ExpectConflict("was expired while the restore was planned");
  options_.hold.unprotected = true;
  ExpectConflict("was expired while the restore was planned");
}

TEST_F(HoldKeeperTest, MarkedWalIsRefusedOnlyWhenItIsNeeded) {
  Mark(layout::BackupObject::kAloneMark);
  ReplayMore(2);
  ExpectConflict("was expired while the restore was planned");
  PutWal();
  ExpectConflict("is being expired");
  ReplayMore(0);
  ASSERT_NO_FATAL_FAILURE(MustRun());
  ExpectRestored();
  ReplayMore(2);
  options_.hold.unprotected = options_.delta = true;
  ASSERT_NO_FATAL_FAILURE(MustRun());
  EXPECT_TRUE(HasNote("the replay may end early")) << testing::PrintToString(result_.notes);
}

// The hold is so short that it has to be renewed before the copying may go on.
TEST_F(HoldKeeperTest, IsRenewedWhileTheRestoreLasts) {
  options_.hold.lasts_micros = 200000;
  options_.jobs = 1;
  std::set<std::string> seen;
  faults_->OnCall([&](StoreOp op, const std::string& key) {
    if (op != StoreOp::kGet || !layout::LabelOfPackKey(key)) return;
    const int64_t limit = SystemClock().SteadyMillis() + kLimitMillis;
    while (seen.size() < 6 && SystemClock().SteadyMillis() < limit) {
      for (std::string& hold : Holds()) seen.insert(std::move(hold));
      SystemClock().SleepMillis(1);
    }
  });
  ASSERT_NO_FATAL_FAILURE(MustRun());
  faults_->OnCall(nullptr);
  EXPECT_GE(seen.size(), 6u);
  EXPECT_LE(Holds().size(), 4u) << "those that have ended are removed";
}

}  // namespace
}  // namespace pitr
