// Expiry and the seals of old WAL.
#include "core/repo/archive/wal_seal.h"

#include <algorithm>

#include "core/expire/wal_expiry.h"

#include "unit/expire/expire_fixture.h"

namespace pitr {
namespace {

using test::StoreOp;

const uint64_t kGroup = SegmentsInGroup(test::kCluster.segment_size_bytes);

// Of sealed groups only those segments are there that a test looks at.
class ExpireSealTest : public test::ExpireTest {
 protected:
  void Seal(uint32_t group) {
    const Json seal = {{"pg_pitr_sealed", 1}, {"segments", kGroup}, {"stored_bytes", kGroup}, {"newest_micros", 1}};
    ASSERT_TRUE(
        repository_->CreateObject(ObjectKind::kWalSeal, layout::SealKey({{1}, group}), AsBytes(JsonText(seal)), ctx_)
            .ok());
  }
  bool HasSeal(uint32_t group) { return Has(layout::SealKey({{1}, group})); }
  void AddFull(const std::string& label, uint64_t first) {
    clock_.Advance(test::kDayMillis);
    AddBackup({.label = label, .first = first, .last = first + 1});
  }
  // An old backup in a sealed group, and a new one behind it, of which one is kept.
  void MakeOldAndNew() {
    for (const uint32_t group : {1, 2, 3}) Seal(group);
    AddFull("old", kGroup + 10);
    AddWal(1, kGroup + 10, kGroup + 29);
    AddChangeMaps(1, kGroup + 10, kGroup + 29);
    AddFull("new", 3 * kGroup);
    AddWal(1, 3 * kGroup, 3 * kGroup + 30);
    request_.policy.full = 1;
    clock_.Advance(2 * test::kDayMillis);
  }
  static std::string Run(uint64_t first, uint64_t last) {
    return SegmentFileName({1}, {first}, test::kCluster.segment_size_bytes) + " to " +
           SegmentFileName({1}, {last}, test::kCluster.segment_size_bytes);
  }
};

TEST_F(ExpireSealTest, ASealIsBrokenBeforeAnythingOfItsGroupGoes) {
  MakeOldAndNew();
  request_.dry_run = true;
  const ExpireReport planned = MustRun();
  EXPECT_TRUE(HasSeal(1) && HasSegment(1, kGroup + 10));
  request_.dry_run = false;
  int deleted = 0;
  faults().OnCallInTurn([&](StoreOp op, const std::string& key) {
    if (op != StoreOp::kDelete || !key.starts_with("wal/")) return;
    deleted++;
    EXPECT_FALSE(HasSeal(1)) << key;
  });
  const ExpireReport done = MustRun();
  EXPECT_GT(deleted, 0);
  EXPECT_EQ(Labels(), "new");
  for (const ExpireReport* report : {&planned, &done}) {
    for (const char* what : {"wal", "change map"}) {
      const auto row = std::find_if(report->rows.begin(), report->rows.end(),
                                    [&](const ExpireRow& each) { return each.what == what; });
      ASSERT_NE(row, report->rows.end()) << what;
      EXPECT_EQ(row->name, Run(kGroup + 10, kGroup + 29));
      EXPECT_EQ(row->objects, 20U);
    }
  }
  EXPECT_FALSE(HasSeal(1));
  EXPECT_FALSE(HasSeal(2)) << "of which there was nothing any more";
  EXPECT_TRUE(HasSeal(3)) << "all of it is needed";
  EXPECT_FALSE(HasSegment(1, kGroup + 10) || HasSegment(1, kGroup + 29) || HasChangeMap(1, kGroup + 10));
  EXPECT_TRUE(HasSegment(1, 3 * kGroup + 5));
}

TEST_F(ExpireSealTest, WhatTheStoreKeepsSealedStays) {
  MakeOldAndNew();
  faults().Inject({.op = StoreOp::kDelete, .status = {Code::kPermission, "locked"}, .key_contains = "sealed/"});
  const ExpireReport report = MustRun();
  EXPECT_TRUE(HasSeal(1) && HasSegment(1, kGroup + 10) && HasSegment(1, kGroup + 29));
  EXPECT_NE(Find(report, ExpireAction::kRefused, layout::SealKey({{1}, 1})), nullptr);
  EXPECT_FALSE(report.Complete());
  EXPECT_TRUE(MustRun().Complete());
  EXPECT_FALSE(HasSeal(1) || HasSegment(1, kGroup + 10));
}

// Somebody who had seen the group whole seals it when its seal has just been broken.
TEST_F(ExpireSealTest, ASealThatComesMeanwhileIsBrokenToo) {
  MakeOldAndNew();
  bool again = false;
  faults().OnCallInTurn([&](StoreOp op, const std::string& key) {
    if (op == StoreOp::kDelete && key.starts_with("wal/") && !again) {
      again = true;
      EXPECT_TRUE(memory_.Create(layout::SealKey({{1}, 1}), AsBytes("a seal"), ctx_).ok());
    }
  });
  MustRun();
  EXPECT_TRUE(again);
  EXPECT_FALSE(HasSeal(1));
}

// What is kept, is kept on account of objects that were seen.
TEST_F(ExpireSealTest, ABackupWithoutItsWalDoesNotCountWhateverASealSays) {
  Seal(1);
  AddFull("good", kGroup + 10);
  AddWal(1, kGroup + 10, kGroup + 11);
  AddFull("bad", kGroup + 30);
  AddWal(1, kGroup + 30, kGroup + 30);
  AddWal(1, 2 * kGroup, 2 * kGroup + 3);
  request_.policy.full = 1;
  clock_.Advance(2 * test::kDayMillis);
  MustRun();
  EXPECT_EQ(Labels(), "good bad");
  AddWal(1, kGroup + 31, kGroup + 31);
  MustRun();
  EXPECT_EQ(Labels(), "bad");
}

TEST_F(ExpireSealTest, OnlyTheOldEndIsListed) {
  AddFull("old", 10);
  AddWal(1, 10, 19);
  AddFull("new", 20);
  AddWal(1, 20, 5000);
  AddChangeMaps(1, 10, 5000);
  request_.policy.full = 1;
  clock_.Advance(2 * test::kDayMillis);
  int maps = 0, wal = 0;
  faults().OnCallInTurn([&](StoreOp op, const std::string& key) {
    maps += op == StoreOp::kList && key.starts_with("change/");
    wal += op == StoreOp::kList && key.starts_with("wal/");
  });
  MustRun();
  EXPECT_EQ(maps, 1);
  EXPECT_LE(wal, 5 + 1) << "once to know what there is";
  EXPECT_FALSE(HasSegment(1, 19) || HasChangeMap(1, 19));
  EXPECT_TRUE(HasSegment(1, 20) && HasChangeMap(1, 20));
}

// A run of segments is one row, however many requests it takes.
TEST_F(ExpireSealTest, ManyGoInOneRow) {
  const uint64_t many = kWalBatch + 1500;
  AddFull("old", 1);
  AddWal(1, 1, many);
  AddFull("new", many + 1);
  AddWal(1, many + 1, many + 2);
  request_.policy.full = 1;
  clock_.Advance(2 * test::kDayMillis);
  const ExpireReport report = MustRun();
  const ExpireRow* row = Find(report, ExpireAction::kDelete, Run(1, many));
  ASSERT_NE(row, nullptr);
  EXPECT_EQ(row->objects, many);
  EXPECT_EQ(KeysUnder("wal/").size(), 2U);
}

}  // namespace
}  // namespace pitr
