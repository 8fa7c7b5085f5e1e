#include "core/expire/expire.h"

#include <gtest/gtest.h>

#include <climits>

#include "core/repo/backups/backup_pin.h"
#include "core/repo/backups/expire_mark.h"
#include "core/repo/opening/open_repository.h"
#include "unit/expire/expire_fixture.h"

namespace pitr {
namespace {

using namespace test;

TEST_F(ExpireTest, KeepsTheNewestAndTheirWal) {
  AddDays({"a", "b", "c"});
  AddHistory(1, "");
  request_.policy.full = 2;
  const ExpireReport report = MustRun();
  EXPECT_TRUE(report.Complete());
  EXPECT_EQ(Labels(), "b c");
  EXPECT_TRUE(KeysUnder("backup/a/").empty());
  EXPECT_TRUE(KeysUnder("data/a/").empty());
  EXPECT_FALSE(HasSegment(1, 19));
  EXPECT_TRUE(HasSegment(1, 20));
  EXPECT_TRUE(Has(layout::WalKey("00000001.history")));
  EXPECT_TRUE(KeysUnder("probe/").empty());
  const ExpireRow* row = Find(report, ExpireAction::kDelete, "a");
  ASSERT_NE(row, nullptr);
  EXPECT_EQ(row->what, "backup");
  EXPECT_EQ(row->objects, 5u) << "start, files, manifest, two packs; not its own mark";
  EXPECT_EQ(row->why, "outside of the newest 2 full backups");
  const ExpireRow* wal = Find(report, ExpireAction::kDelete, "00000001000000000000000A to 000000010000000000000013");
  ASSERT_NE(wal, nullptr);
  EXPECT_EQ(wal->objects, 10u);
  EXPECT_EQ(wal->stored_bytes, 1000u);
  ASSERT_NE(Find(report, ExpireAction::kKeep, "c"), nullptr);
  EXPECT_EQ(Find(report, ExpireAction::kKeep, "c")->why, "one of the newest 2 full backups");
  ExpectWhole("afterwards");
  for (const ExpireRow& again : MustRun().rows) EXPECT_EQ(again.action, ExpireAction::kKeep);
}

TEST_F(ExpireTest, ChangeMapsGoWithTheirSegments) {
  AddDays({"a", "b", "c"});
  AddChangeMaps(1, 12, 39);
  AddChangeMaps(7, 3, 4);  // of a timeline that nothing else is known of
  PutRaw("change/00000001/not-a-segment", 5);
  request_.policy.full = 2;
  const ExpireReport report = MustRun();
  EXPECT_FALSE(HasChangeMap(1, 12));
  EXPECT_FALSE(HasChangeMap(1, 19));
  EXPECT_TRUE(HasChangeMap(1, 20));
  EXPECT_TRUE(HasChangeMap(1, 39));
  EXPECT_TRUE(HasChangeMap(7, 3));
  EXPECT_TRUE(Has("change/00000001/not-a-segment"));
  const ExpireRow* row = Find(report, ExpireAction::kDelete, "00000001000000000000000C to 000000010000000000000013");
  ASSERT_NE(row, nullptr);
  EXPECT_EQ(row->what, "change map");
  EXPECT_EQ(row->objects, 8u);
  EXPECT_EQ(row->stored_bytes, 400u);
  const ExpireRow* wal = Find(report, ExpireAction::kDelete, "00000001000000000000000A to 000000010000000000000013");
  ASSERT_NE(wal, nullptr);
  EXPECT_EQ(wal->what, "wal");
  EXPECT_LT(row, wal) << "maps first, so that none is left alone";
  for (const ExpireRow& again : MustRun().rows) EXPECT_EQ(again.action, ExpireAction::kKeep);
}

TEST_F(ExpireTest, ADryRunTellsTheSameAndDoesNothing) {
  AddDays({"a", "b", "c"});
  PutRaw("probe/left", 5);
  ASSERT_TRUE(CreateStart("dead").ok());
  ASSERT_TRUE(CreateStart("begun").ok());
  ASSERT_TRUE(CreateMark(*repository_, "begun", layout::BackupObject::kExpireMark, "an earlier run", ctx_).ok());
  clock_.Advance(2 * kDayMillis);
  request_.policy.full = 1;
  request_.dry_run = true;
  const auto before = memory_.Keys();
  const ExpireReport planned = MustRun();
  EXPECT_EQ(memory_.Keys(), before);
  EXPECT_EQ(faults().calls(StoreOp::kDelete), 0);
  request_.dry_run = false;
  const ExpireReport done = MustRun();
  EXPECT_LT(memory_.Keys().size(), before.size());
  ASSERT_EQ(planned.rows.size(), done.rows.size());
  for (size_t i = 0; i < done.rows.size(); i++) {
    EXPECT_EQ(planned.rows[i].action, done.rows[i].action);
    EXPECT_EQ(planned.rows[i].name, done.rows[i].name);
    EXPECT_EQ(planned.rows[i].why, done.rows[i].why) << done.rows[i].name;
    EXPECT_EQ(planned.rows[i].objects, done.rows[i].objects) << done.rows[i].name;
    EXPECT_EQ(planned.rows[i].stored_bytes, done.rows[i].stored_bytes) << done.rows[i].name;
  }
  ASSERT_NE(Find(done, ExpireAction::kDelete, "dead"), nullptr);
  EXPECT_TRUE(Find(done, ExpireAction::kDelete, "dead")->why.starts_with("never finished"));
  ASSERT_NE(Find(done, ExpireAction::kDelete, "begun"), nullptr);
  EXPECT_EQ(Find(done, ExpireAction::kDelete, "begun")->why, "was being deleted");
  EXPECT_EQ(Find(done, ExpireAction::kDelete, "begun")->objects, 2U) << "with the earlier run's mark";
}

TEST_F(ExpireTest, WithoutAPolicyOnlyLeftoversGo) {
  AddDays({"a", "b"});
  ASSERT_TRUE(CreateStart("dead").ok());
  PutRaw("data/dead/000001", 10);
  PutRaw("data/nobody/000001", 10);
  PutRaw("data/a/000003", 10);
  PutRaw("data/README", 10);
  PutRaw("probe/x", 10);
  ASSERT_TRUE(memory_.BeginUpload("data/dead/000002", ctx_).ok());
  ASSERT_TRUE(memory_.BeginUpload("wal/00000001/000000/00000000/000000010000000000000099", ctx_).ok());
  const auto before = memory_.Keys();
  MustRun();
  EXPECT_EQ(memory_.Keys(), before) << "too young";
  clock_.Advance(2 * kDayMillis);
  ASSERT_TRUE(CreateStart("running").ok());
  PutRaw("data/running/000001", 10);
  ASSERT_TRUE(memory_.BeginUpload("data/running/000002", ctx_).ok());
  EXPECT_TRUE(MustRun().Complete());
  EXPECT_EQ(Labels(), "a b");
  EXPECT_TRUE(KeysUnder("backup/dead/").empty());
  EXPECT_TRUE(KeysUnder("data/dead/").empty());
  EXPECT_TRUE(KeysUnder("data/nobody/").empty());
  EXPECT_TRUE(KeysUnder("probe/").empty());
  EXPECT_EQ(KeysUnder("data/a/").size(), 2u);
  EXPECT_TRUE(Has("data/README")) << "what is not ours stays";
  EXPECT_EQ(KeysUnder("data/running/").size(), 1u);
  EXPECT_TRUE(HasSegment(1, 10));
  EXPECT_EQ(memory_.ListUploads("", ctx_).value().size(), 1u);
}

TEST_F(ExpireTest, ABackupThatStillWritesIsNotDead) {
  AddDays({"a"});
  ASSERT_TRUE(CreateStart("slow").ok());
  clock_.Advance(20 * kDayMillis);
  PutRaw("data/slow/000001", 10);
  clock_.Advance(kDayMillis / 2);
  MustRun();
  EXPECT_TRUE(Has("data/slow/000001"));
  clock_.Advance(kDayMillis);
  request_.running_label = "slow";
  MustRun();
  EXPECT_TRUE(Has("data/slow/000001")) << "known to run";
  request_.running_label.clear();
  MustRun();
  EXPECT_FALSE(Has("data/slow/000001"));
  EXPECT_TRUE(KeysUnder("backup/slow/").empty());
}

TEST_F(ExpireTest, ManyObjectsGoInFewRequests) {
  AddBackup({.label = "a", .first = 10, .last = 11});
  AddWal(1, 10, 2609);
  AddChangeMaps(1, 10, 2609);
  AddBackup({.label = "b", .first = 2600, .last = 2601});
  request_.policy.full = 1;
  EXPECT_TRUE(MustRun().Complete());
  EXPECT_FALSE(HasSegment(1, 2599));
  EXPECT_FALSE(HasChangeMap(1, 2599));
  EXPECT_EQ(KeysUnder("wal/").size(), 10U);
  EXPECT_EQ(KeysUnder("change/").size(), 10U);
  // The probe, the backup in its four steps, 2590 segments and as many maps a thousand at a time, and their seal.
  EXPECT_EQ(faults().calls(StoreOp::kDelete), 1 + 4 + 3 + 3 + 1);
}

TEST_F(ExpireTest, PacksAndPagesThatOthersListStay) {
  AddDays({"f1"}, 10, 3);
  AddBackup({.label = "i1",
             .type = BackupType::kIncr,
             .parent = "f1",
             .first = 12,
             .last = 13,
             .borrowed = {"data/f1/000002", "data/f1/page.000002"},
             .pages = 1});
  ASSERT_TRUE(PinBackup(*repository_, {.label = "i1", .reason = "audit"}, ctx_).ok());
  AddDays({"f2"}, 20);
  request_.policy.full = 1;
  MustRun();
  EXPECT_EQ(Labels(), "i1 f2");
  EXPECT_EQ(KeysUnder("data/f1/"), (std::vector<std::string>{"data/f1/000002", "data/f1/page.000002"}));
  EXPECT_TRUE(Has("backup/f1/start")) << "the label stays reserved while packs have its name";
  EXPECT_FALSE(HasSegment(1, 11));
  EXPECT_TRUE(HasSegment(1, 12));
  EXPECT_TRUE(HasSegment(1, 13));
  EXPECT_FALSE(HasSegment(1, 14));
  ExpectWhole("with a pinned increment");
  clock_.Advance(9 * kDayMillis);
  for (const ExpireRow& row : MustRun().rows) EXPECT_EQ(row.action, ExpireAction::kKeep) << row.name;
  ASSERT_EQ(UnpinBackup(*repository_, "i1", ctx_).value(), 1);
  MustRun();
  EXPECT_EQ(Labels(), "f2");
  EXPECT_TRUE(KeysUnder("data/f1/").empty());
  EXPECT_TRUE(KeysUnder("backup/f1/").empty());
}

// In whose place another one would have to be kept.
TEST_F(ExpireTest, ABackupThatHasLostAPageCannotBeRestored) {
  AddDays({"a"}, 10, 2);
  ExpectWhole("with all pages");
  ASSERT_TRUE(memory_.Delete({layout::MapPageKey("a", 2)}, ctx_).ok());
  const auto inventory = Inventory::Load(*repository_, ctx_);
  ASSERT_TRUE(inventory.ok());
  EXPECT_FALSE(inventory.value().Facts(clock_.WallMicros()).backups.at(0).restorable);
  EXPECT_TRUE(inventory.value().CheckAbsences(*repository_, ctx_).ok());
  PutRaw(layout::MapPageKey("a", 2), 300);
  EXPECT_EQ(inventory.value().CheckAbsences(*repository_, ctx_).code(), Code::kUnavailable)
      << "it was left out of the listing";
}

TEST_F(ExpireTest, TheParentOfARunningBackupStays) {
  AddDays({"a", "b"});
  ASSERT_TRUE(CreateStart("i", "a").ok());
  request_.policy.full = 1;
  EXPECT_TRUE(MustRun().Complete());
  EXPECT_EQ(Labels(), "a b");
  request_.labels = {"a"};
  request_.force = true;
  EXPECT_EQ(Run().code(), Code::kConflict);
  request_.labels.clear();
  clock_.Advance(2 * kDayMillis);
  MustRun();
  EXPECT_TRUE(KeysUnder("backup/i/").empty()) << "it was dead";
  MustRun();
  EXPECT_EQ(Labels(), "b");
}

TEST_F(ExpireTest, WhatCannotBeReadStopsWhatItMayNeed) {
  AddDays({"a", "b", "c"});
  PutRaw("data/nobody/000001", 10);
  clock_.Advance(2 * kDayMillis);
  ASSERT_TRUE(memory_.FlipBit("backup/b/manifest", 8 * 100));
  const auto before = memory_.Keys();
  request_.policy.full = 1;
  const ExpireReport report = MustRun();
  EXPECT_FALSE(report.Complete());
  EXPECT_EQ(memory_.Keys(), before);
  ASSERT_NE(Find(report, ExpireAction::kBlocked, "b"), nullptr);
  EXPECT_NE(Find(report, ExpireAction::kBlocked, "b")->why.find("backup/b/manifest"), std::string::npos);
  request_.labels = {"b"};
  EXPECT_EQ(Run().code(), Code::kConflict);
  request_.force = true;
  MustRun();
  EXPECT_TRUE(KeysUnder("backup/b/").empty());
  EXPECT_TRUE(KeysUnder("data/b/").empty());
  EXPECT_TRUE(HasSegment(1, 10));
  request_.labels.clear();
  EXPECT_TRUE(MustRun().Complete());
  EXPECT_EQ(Labels(), "c");
}

TEST_F(ExpireTest, AnUnreadableStartObjectStopsUntilItIsOld) {
  AddDays({"a", "b"});
  ASSERT_TRUE(repository_
                  ->CreateObject(ObjectKind::kBackupStart, layout::BackupKey("odd", layout::BackupObject::kStart),
                                 AsBytes("not JSON"), ctx_)
                  .ok());
  request_.policy.full = 1;
  EXPECT_FALSE(MustRun().Complete());
  EXPECT_EQ(Labels(), "a b");
  clock_.Advance(2 * kDayMillis);
  EXPECT_TRUE(MustRun().Complete());
  EXPECT_EQ(Labels(), "b");
}

TEST_F(ExpireTest, AStoreThatDoesNotAnswerStopsEverything) {
  AddDays({"a", "b"});
  request_.policy.full = 1;
  const auto before = memory_.Keys();
  for (const char* key : {"backup/", "data/", "wal/", "probe/", "backup/b/manifest"}) {
    for (StoreOp op : {StoreOp::kList, StoreOp::kGet, StoreOp::kListUploads}) {
      faults().Inject({.op = op, .key_contains = key, .times = 1});
      const auto report = Run();
      EXPECT_TRUE(report.ok() || report.code() == Code::kUnavailable) << TextOf(report);
      if (report.ok()) return;  // this operation does not look there, and nothing is left to try on
      EXPECT_EQ(memory_.Keys(), before) << key;
    }
  }
}

TEST_F(ExpireTest, NamedBackups) {
  AddDays({"a", "b"});
  AddBackup(
      {.label = "i", .type = BackupType::kIncr, .parent = "a", .first = 22, .last = 23, .borrowed = {"data/a/000001"}});
  request_.labels = {"nowhere"};
  EXPECT_EQ(Run().code(), Code::kNotFound);
  request_.labels = {"a"};
  ASSERT_TRUE(PinBackup(*repository_, {.label = "a"}, ctx_).ok());
  EXPECT_EQ(Run().code(), Code::kConflict);
  request_.force = true;
  const ExpireReport report = MustRun();
  EXPECT_EQ(Labels(), "b") << "what builds on it goes with it";
  EXPECT_TRUE(HasSegment(1, 10)) << "WAL is left to the policy";
  EXPECT_EQ(Find(report, ExpireAction::kDelete, "i")->why, "builds on a backup that was named");
  request_.force = false;
  request_.labels = {"b"};
  EXPECT_EQ(Run().code(), Code::kConflict) << "the last one";
  request_.force = true;
  MustRun();
  EXPECT_EQ(Labels(), "");
}

TEST_F(ExpireTest, APinThatHasEndedHoldsNothing) {
  AddDays({"a", "b", "c"});
  const int64_t soon = clock_.WallMicros() + kHourMillis * 1000;
  ASSERT_TRUE(PinBackup(*repository_, {.label = "a", .reason = "for a while", .until_micros = soon}, ctx_).ok());
  ASSERT_TRUE(PinBackup(*repository_, {.label = "b", .reason = "for ever"}, ctx_).ok());
  request_.policy.full = 1;
  const ExpireReport report = MustRun();
  EXPECT_EQ(Labels(), "a b c");
  EXPECT_EQ(Find(report, ExpireAction::kKeep, "b")->why, "pinned: for ever");
  clock_.Advance(2 * kHourMillis);
  MustRun();
  EXPECT_EQ(Labels(), "b c");
  EXPECT_TRUE(KeysUnder("backup/a/").empty());
}

TEST_F(ExpireTest, RefusedDeletionsAreToldAndHurtNothing) {
  AddDays({"a", "b", "c"});
  request_.policy.full = 1;
  const Status locked(Code::kPermission, "the object is locked");
  faults().Inject({.op = StoreOp::kDelete, .status = locked, .key_contains = "backup/a/manifest", .times = INT_MAX});
  ExpireReport report = MustRun();
  EXPECT_FALSE(report.Complete());
  EXPECT_EQ(Labels(), "a c");
  ExpectWhole("with a locked manifest");
  EXPECT_TRUE(HasSegment(1, 10));
  EXPECT_FALSE(HasSegment(1, 12));
  ASSERT_NE(Find(report, ExpireAction::kRefused, "backup/a/manifest"), nullptr);
  EXPECT_NE(Find(report, ExpireAction::kRefused, "backup/a/manifest")->why.find("locked"), std::string::npos);
}

TEST_F(ExpireTest, ARefusedPackKeepsTheStartObject) {
  AddDays({"a", "b"});
  request_.policy.full = 1;
  faults().Inject(
      {.op = StoreOp::kDelete, .status = {Code::kPermission, "locked"}, .key_contains = "data/a/000001", .times = 2});
  const ExpireReport report = MustRun();
  EXPECT_EQ(Labels(), "b");
  EXPECT_EQ(KeysUnder("data/a/"), std::vector<std::string>{"data/a/000001"});
  EXPECT_TRUE(Has("backup/a/start"));
  EXPECT_EQ(Find(report, ExpireAction::kDelete, "a")->objects, 3u + 1u);
  EXPECT_TRUE(MustRun().Complete()) << "no wait: it is marked";
  EXPECT_TRUE(KeysUnder("data/a/").empty());
  EXPECT_TRUE(KeysUnder("backup/a/").empty());
}

TEST_F(ExpireTest, AClockThatIsAheadMakesNothingOld) {
  AddDays({"a", "b"});
  ASSERT_TRUE(CreateStart("running").ok());
  request_.policy.age = ParseCalendarSpan("1 week").value();
  // The store's time: objects are stamped by the context's clock, so the store gets one of its own.
  TestClock ahead;
  ahead.Advance(400 * kDayMillis);
  OpContext wrong = ctx_;
  wrong.clock = &ahead;
  class Stamped final : public ObjectStore {
   public:
    Stamped(ObjectStore& inner, const OpContext& ctx) : inner_(inner), ctx_(ctx) {}
    Status Create(const std::string& k, ByteView b, const OpContext&) override { return inner_.Create(k, b, ctx_); }
    Status Get(const std::string& k, ByteRange r, const ByteSink& s, const OpContext& c) override {
      return inner_.Get(k, r, s, c);
    }
    Result<ObjectInfo> Stat(const std::string& k, const OpContext& c) override { return inner_.Stat(k, c); }
    Result<ListPage> List(const std::string& p, const std::string& a, const OpContext& c) override {
      return inner_.List(p, a, c);
    }
    Status Delete(const std::vector<std::string>& k, const OpContext& c) override { return inner_.Delete(k, c); }
    Result<std::string> BeginUpload(const std::string& k, const OpContext& c) override {
      return inner_.BeginUpload(k, c);
    }
    Result<UploadPart> PutPart(const std::string& k, const std::string& u, int n, uint64_t o, ByteView b,
                               const OpContext& c) override {
      return inner_.PutPart(k, u, n, o, b, c);
    }
    Status CompleteUpload(const std::string& k, const std::string& u, const std::vector<UploadPart>& p,
                          const OpContext& c) override {
      return inner_.CompleteUpload(k, u, p, c);
    }
    Status AbortUpload(const std::string& k, const std::string& u, const OpContext& c) override {
      return inner_.AbortUpload(k, u, c);
    }
    Result<std::vector<PendingUpload>> ListUploads(const std::string& p, const OpContext& c) override {
      return inner_.ListUploads(p, c);
    }
    Status Settle(const std::vector<std::string>& k, const OpContext& c) override { return inner_.Settle(k, c); }
    Result<std::optional<ObjectLock>> GetLock(const std::string& k, const OpContext& c) override {
      return inner_.GetLock(k, c);
    }
    Status ExtendLock(const std::string& k, const ObjectLock& l, const OpContext& c) override {
      return inner_.ExtendLock(k, l, c);
    }
    StoreCapabilities capabilities() const override { return inner_.capabilities(); }
    std::string Describe() const override { return inner_.Describe(); }

   private:
    ObjectStore& inner_;
    const OpContext& ctx_;
  };
  auto opened = OpenRepositoryOn(std::make_unique<Stamped>(memory_, ctx_), config_, NullLog(), ctx_);
  ASSERT_TRUE(opened.ok());
  const auto report = Expire(*opened.value(), request_, wrong);
  ASSERT_TRUE(report.ok()) << TextOf(report);
  EXPECT_EQ(Labels(), "a b");
  EXPECT_TRUE(Has("backup/running/start"));
}

TEST_F(ExpireTest, WhatIsKnownToBeDamagedDoesNotPushOutWhatIsNot) {
  AddDays({"a", "b", "c"});
  request_.policy.full = 1;
  request_.damage_of = [](const BackupManifest& backup) {
    return backup.label == "c" ? "the full verification of today found 1 damage of what it needs" : "";
  };
  const ExpireReport report = MustRun();
  EXPECT_EQ(Labels(), "b c");
  ASSERT_NE(Find(report, ExpireAction::kKeep, "c"), nullptr);
  EXPECT_NE(Find(report, ExpireAction::kKeep, "c")->why.find("; it counts as damaged: the full verification of today"),
            std::string::npos);
  request_.labels = {"b"};
  EXPECT_EQ(Run().code(), Code::kConflict) << "no backup that can be restored would be left";
  request_.labels = {"c"};
  MustRun();
  EXPECT_EQ(Labels(), "b");
}

}  // namespace
}  // namespace pitr
