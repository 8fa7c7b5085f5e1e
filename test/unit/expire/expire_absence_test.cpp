// One "not found" is no proof. A store that says it once of an object that is there must not cost anything that the
// object protects, whichever of the reads is concerned; nor must a listing that leaves something out once.
#include <gtest/gtest.h>

#include "core/base/process_name.h"
#include "core/repo/backups/backup_pin.h"
#include "core/repo/backups/expire_mark.h"
#include "core/repo/backups/restore_hold.h"
#include "core/repo/opening/open_repository.h"
#include "core/store/absence.h"
#include "unit/expire/expire_fixture.h"

namespace pitr::test {
namespace {

// Leaves keys out of some listings.
class ForgetfulStore final : public FaultyStore {
 public:
  ForgetfulStore(ObjectStore& inner, std::string key) : FaultyStore(inner), key_(std::move(key)) {}
  Result<ListPage> List(const std::string& prefix, const std::string& start_after, const OpContext& ctx) override {
    PITR_ASSIGN(ListPage page, FaultyStore::List(prefix, start_after, ctx));
    if (key_.starts_with(prefix) && start_after.empty() && looks_++ == forget_)
      std::erase_if(page.objects, [&](const ObjectInfo& object) { return object.key == key_; });
    return page;
  }
  // Which look at the key is the one that does not see it, from 0.
  void Forget(int look) {
    forget_ = look;
    looks_ = 0;
  }

 private:
  const std::string key_;
  int forget_ = -1, looks_ = 0;
};

class ExpireAbsence : public ExpireTest {
 protected:
  ExpireAbsence() {
    AddDays({"a", "b", "c"});
    request_.policy.full = 1;
  }
  ExpireReport MustRunDry() {
    request_.dry_run = true;
    ExpireReport report = MustRun();
    request_.dry_run = false;
    return report;
  }
  // `look`: which look at the key is the one that does not see it.
  Result<ExpireReport> ExpireForgetting(const std::string& key, int look) {
    auto forgetful = std::make_unique<ForgetfulStore>(memory_, key);
    ForgetfulStore& store = *forgetful;
    PITR_ASSIGN(const auto repository, OpenRepositoryOn(std::move(forgetful), config_, NullLog(), ctx_));
    store.Forget(look);
    return Expire(*repository, request_, ctx_);
  }
  void SayNotFound(const std::string& key, int times) {
    faults().Inject(
        {.op = StoreOp::kGet, .status = {Code::kNotFound, "no such object"}, .key_contains = key, .times = times});
  }
};

TEST_F(ExpireAbsence, OfAManifest) {
  request_.policy.full = 3;
  PutRaw("data/nobody/000001", 10);
  clock_.Advance(2 * kDayMillis);
  for (const char* label : {"a", "b", "c"}) {
    const auto before = memory_.Keys();
    SayNotFound("backup/" + std::string(label) + "/manifest", 2);
    const ExpireReport report = MustRun();
    const ExpireRow* blocked = Find(report, ExpireAction::kBlocked, label);
    ASSERT_NE(blocked, nullptr) << label;
    EXPECT_NE(blocked->why.find("lists object"), std::string::npos) << blocked->why;
    EXPECT_EQ(memory_.Keys(), before);
    SayNotFound("backup/" + std::string(label) + "/manifest", 1);
    EXPECT_TRUE(MustRun().Complete()) << "the second look is believed";
    EXPECT_EQ(Labels(), "a b c");
    EXPECT_EQ(KeysUnder("data/").size(), 6U) << "what nobody refers to went, and nothing else";
    PutRaw("data/nobody/000001", 10);
    clock_.Advance(2 * kDayMillis);
  }
}

TEST_F(ExpireAbsence, OfAPin) {
  ASSERT_TRUE(PinBackup(*repository_, {.label = "a"}, ctx_).ok());
  SayNotFound("backup/a/pin.", 2);
  MustRun();
  EXPECT_EQ(Labels(), "a c");
}

TEST_F(ExpireAbsence, OfAHold) {
  ASSERT_TRUE(CreateHold(*repository_, "a", kDayMillis * 1000, "host x, process 7", ctx_).ok());
  SayNotFound("backup/a/hold.", 2);
  MustRun();
  EXPECT_EQ(Labels(), "a c");
  EXPECT_TRUE(HasSegment(1, 15)) << "the WAL that is going to be replayed";
}

TEST_F(ExpireAbsence, OfTheStartOfWhatBuildsOnABackup) {
  ASSERT_TRUE(CreateStart("running", "a").ok());
  SayNotFound("backup/running/start", 2);
  EXPECT_FALSE(MustRun().Complete());
  EXPECT_EQ(Labels(), "a b c");
  SayNotFound("backup/running/start", 1);
  EXPECT_TRUE(MustRun().Complete());
  EXPECT_EQ(Labels(), "a b c") << "what was not marked waits for the next run";
  MustRun();
  EXPECT_EQ(Labels(), "a c");
}

TEST_F(ExpireAbsence, OfAMark) {
  ASSERT_TRUE(CreateMark(*repository_, "a", layout::BackupObject::kExpireMark, "test", ctx_).ok());
  faults().Inject({.op = StoreOp::kStat, .status = {Code::kNotFound, "no such object"}, .key_contains = "/expire"});
  EXPECT_EQ(CheckNotExpiring(*repository_, "a", layout::BackupObject::kManifest, ctx_).code(), Code::kCorruption);
  EXPECT_EQ(CheckNotExpiring(*repository_, "a", layout::BackupObject::kManifest, ctx_).code(), Code::kConflict);
  SayNotFound("/expire", 1);
  EXPECT_TRUE(ReadMark(*repository_, "a", layout::BackupObject::kExpireMark, ctx_).value().has_value())
      << "a mark that cannot be read is a mark";
}

// An expiry with other settings was killed, or interrupted, after it had marked what these settings keep.
TEST_F(ExpireAbsence, OfWhoMadeAMark) {
  request_.policy.full = 3;
  const std::string mark = "backup/a/expire";
  const std::string ended = ProcessName().substr(0, ProcessName().rfind(' ') + 1) + "2147483647";
  const auto leave = [&](const std::string& by) {
    ASSERT_TRUE(CreateMark(*repository_, "a", layout::BackupObject::kExpireMark, by, ctx_).ok());
  };
  ASSERT_NO_FATAL_FAILURE(leave(ended));
  ASSERT_NE(Find(MustRunDry(), ExpireAction::kDelete, "a"), nullptr);
  EXPECT_TRUE(Has(mark));
  const ExpireReport report = MustRun();
  ASSERT_NE(Find(report, ExpireAction::kDelete, "a"), nullptr);
  EXPECT_EQ(Find(report, ExpireAction::kDelete, "a")->what, "expire mark");
  EXPECT_FALSE(Has(mark)) << "nobody is at it";
  EXPECT_TRUE(PinBackup(*repository_, {.label = "a"}, ctx_).ok());
  // Of one that may be at work, here or on another host, until it is old.
  for (const std::string& by : {ProcessName(), std::string("host elsewhere, process 2147483647")}) {
    ASSERT_NO_FATAL_FAILURE(leave(by));
    MustRun();
    EXPECT_TRUE(Has(mark)) << by;
    clock_.Advance(2 * kDayMillis);
    MustRun();
    EXPECT_FALSE(Has(mark)) << by;
  }
  EXPECT_EQ(Labels(), "a b c");
}

// Whoever took the mark back has seen that somebody needs the backup, or lets somebody need it.
TEST_F(ExpireAbsence, OfAMarkThatWasTakenBack) {
  int looks = 0;
  faults().OnCallInTurn([&](StoreOp op, const std::string& key) {
    // The second look lists; then the mark is looked for alone.
    if (op != StoreOp::kStat || key != "backup/a/expire" || looks++ > 0) return;
    EXPECT_TRUE(memory_.Delete({"backup/a/expire"}, ctx_).ok());
  });
  const ExpireReport report = MustRun();
  EXPECT_EQ(looks, 1);
  EXPECT_EQ(Labels(), "a c");
  EXPECT_TRUE(Has("data/a/000001") && Has("backup/a/files"));
}

TEST_F(ExpireAbsence, InOneListing) {
  request_.policy.full = 3;
  ASSERT_TRUE(PinBackup(*repository_, {.label = "b"}, ctx_).ok());
  PutRaw("data/nobody/000001", 10);
  clock_.Advance(2 * kDayMillis);
  const auto pin = KeysUnder("backup/b/pin.").at(0);
  for (const std::string& key : {std::string("backup/a/manifest"), std::string("backup/c/manifest"), pin}) {
    for (int look : {0, 1}) {
      request_.policy.full = key == pin ? 1 : 3;
      const auto report = ExpireForgetting(key, look);
      ASSERT_TRUE(report.ok()) << TextOf(report);
      for (const char* label : {"a", "b", "c"}) {
        if (key == pin && *label == 'a') continue;
        EXPECT_TRUE(Has("backup/" + std::string(label) + "/manifest")) << key << ", look " << look;
        EXPECT_TRUE(Has("data/" + std::string(label) + "/000001")) << key << ", look " << look;
      }
    }
  }
}

// A backup that seems to lack something cannot be restored, and another is kept as the month's in its place.
TEST_F(ExpireAbsence, InOneListingOfWhatABackupIsMadeOf) {
  request_.policy.full = 1;
  request_.policy.monthly = ParseCalendarSpan("1 year").value();
  ASSERT_NE(Find(MustRunDry(), ExpireAction::kKeep, "a"), nullptr) << "the first of its month";
  const std::string segment = layout::WalKey(SegmentFileName({1}, {10}, kCluster.segment_size_bytes));
  for (const std::string& key : {std::string("data/a/000002"), std::string("backup/a/files"), segment}) {
    for (int look : {0, 1}) {
      const auto report = ExpireForgetting(key, look);
      EXPECT_TRUE(report.ok() || report.code() == Code::kUnavailable) << TextOf(report);
      EXPECT_TRUE(Has("backup/a/manifest")) << key << ", look " << look;
    }
  }
  ASSERT_TRUE(memory_.Delete({"data/a/000002"}, ctx_).ok());
  MustRun();
  EXPECT_FALSE(Has("backup/a/manifest")) << "what is not there is believed to be absent";
}

TEST_F(ExpireAbsence, TwoLooksThatAgreeAreBelieved) {
  EXPECT_EQ(ConfirmAbsent(memory_, "backup/a/manifest", ctx_).code(), Code::kCorruption);
  EXPECT_EQ(ConfirmAbsent(memory_, "backup/a/manif", ctx_).code(), Code::kNotFound) << "a prefix is not the key";
  EXPECT_EQ(ConfirmAbsent(memory_, "backup/a/manifest2", ctx_).code(), Code::kNotFound);
}

}  // namespace
}  // namespace pitr::test
