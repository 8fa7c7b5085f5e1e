// What an archive of millions of segments costs in requests: by seals made for the test, without the segments.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>

#include "core/base/bytes.h"
#include "core/repo/archive/wal_seal.h"
#include "core/restore/planner.h"
#include "core/survey/repository_info.h"
#include "core/verify/verify.h"
#include "unit/expire/expire_fixture.h"
#include "unit/pg/wal_builder.h"

namespace pitr {
namespace {

using test::StoreOp;

constexpr uint32_t kSealedSegment = WalBuilder::kSegmentSize;
constexpr uint64_t kSealedGroup = SegmentsInGroup(kSealedSegment);
constexpr uint32_t kGroups = 3;
constexpr uint64_t kYoung = (kGroups + 1) * kSealedGroup;  // the first segment that is not sealed
constexpr uint64_t kYoungSegments = 5000;
constexpr uint64_t kReal = 8;  // of these, from the first on

class ScaleTest : public test::ExpireTest {
 protected:
  void SetUp() override {
    ASSERT_EQ(test::kCluster.segment_size_bytes, kSealedSegment);
    for (uint32_t group = 1; group <= kGroups; group++) {
      const Json seal = {{"pg_pitr_sealed", 1},
                         {"segments", kSealedGroup},
                         {"stored_bytes", 1000 * kSealedGroup},
                         {"newest_micros", group}};
      const std::string key = layout::SealKey({{1}, group});
      ASSERT_TRUE(repository_->CreateObject(ObjectKind::kWalSeal, key, AsBytes(JsonText(seal)), ctx_).ok());
    }
    AddReal(kYoung, kReal, "young");
    AddWal(1, kYoung + kReal, kYoung + kYoungSegments - 1);
    AddChangeMaps(1, kYoung, kYoung + kYoungSegments - 1);
    // Two backups: the WAL of the old one is sealed.
    AddReal(2 * kSealedGroup, 2, "sealed");
    AddBackup({.label = "old", .first = 2 * kSealedGroup, .last = 2 * kSealedGroup + 1});
    clock_.Advance(test::kDayMillis);
    AddBackup({.label = "new", .first = kYoung + 2, .last = kYoung + 3});
    clock_.Advance(2 * test::kDayMillis);
    faults().OnCall([this](StoreOp, const std::string&) { requests_++; });
  }
  // Segments that can be read; with a restore point in the last.
  void AddReal(uint64_t first, uint64_t count, std::string_view point) {
    WalBuilder wal(15, {first * kSealedSegment});
    while (wal.at().value < (first + count - 1) * kSealedSegment) wal.AddFiller(200000);
    Bytes record(8 + 64);
    std::copy(point.begin(), point.end(), record.begin() + 8);
    wal.AddData(Rmgr::kXlog, 0x70, record);
    wal.Switch();
    for (uint64_t at = first; at < first + count; at++) {
      Bytes bytes = wal.Segment({at});
      StoreLe(&bytes[24], test::kCluster.system_id.value);
      const std::string key = layout::WalKey(SegmentFileName({1}, {at}, kSealedSegment));
      ASSERT_TRUE(repository_->CreateObject(ObjectKind::kWal, key, bytes, ctx_).ok());
    }
  }
  // Of the young ones, only those that can be read are left.
  void DeleteWhatIsNotReal() {
    for (uint64_t at = kYoung + kReal; at < kYoung + kYoungSegments; at++)
      ASSERT_TRUE(memory_.Delete({layout::WalKey(SegmentFileName({1}, {at}, kSealedSegment))}, ctx_).ok());
  }
  // The requests since it was asked last.
  int Requests() { return requests_.exchange(0); }

  std::atomic<int> requests_{0};
};

TEST_F(ScaleTest, InfoReadsSealsAndTheYoungEnd) {
  const auto report = LoadRepositoryInfo(*repository_, {}, ctx_);
  ASSERT_TRUE(report.ok()) << test::TextOf(report);
  ASSERT_FALSE(report.value().archive.empty());
  EXPECT_EQ(report.value().archive[0].segments, kGroups * kSealedGroup + kYoungSegments);
  EXPECT_GE(report.value().archive[0].segments, 3000000U);
  EXPECT_LE(Requests(), 60);
}

TEST_F(ScaleTest, APlanLooksAtTheRangeThatItNeeds) {
  PlanRequest request;
  request.target.kind = TargetKind::kImmediate;
  for (const char* label : {"new", "old"}) {
    request.backup_label = label;
    const auto plan = MakeRestorePlan(*repository_, request, ctx_);
    ASSERT_TRUE(plan.ok()) << label << ": " << test::TextOf(plan);
    EXPECT_LE(Requests(), 60) << label;
  }
  ASSERT_TRUE(
      memory_.Delete({layout::WalKey(SegmentFileName({1}, {2 * kSealedGroup + 1}, kSealedSegment))}, ctx_).ok());
  EXPECT_EQ(MakeRestorePlan(*repository_, request, ctx_).code(), Code::kNotFound) << "whatever the seal says";
}

TEST_F(ScaleTest, ABackupThatLacksAPackIsPassedOver) {
  PlanRequest request;
  request.target.kind = TargetKind::kImmediate;
  EXPECT_EQ(MakeRestorePlan(*repository_, request, ctx_).value().backup.label, "new");
  ASSERT_TRUE(memory_.Delete({layout::PackKey("new", 1)}, ctx_).ok());
  const auto plan = MakeRestorePlan(*repository_, request, ctx_);
  ASSERT_TRUE(plan.ok()) << test::TextOf(plan);
  EXPECT_EQ(plan.value().backup.label, "old");
  request.backup_label = "new";
  EXPECT_EQ(MakeRestorePlan(*repository_, request, ctx_).code(), Code::kCorruption) << "it was asked for";
  request.backup_label.clear();
  ASSERT_TRUE(memory_.Delete({layout::PackKey("old", 1)}, ctx_).ok());
  EXPECT_EQ(MakeRestorePlan(*repository_, request, ctx_).code(), Code::kCorruption) << "none is whole";
}

// A search from the older backup meets with segments of which seals tell and which are not there.
TEST_F(ScaleTest, APlanToANameDoesWithoutASealThatClaimsTooMuch) {
  DeleteWhatIsNotReal();
  PlanRequest request;
  request.target.kind = TargetKind::kName;
  request.target.name = "young";
  const auto plan = MakeRestorePlan(*repository_, request, ctx_);
  ASSERT_TRUE(plan.ok()) << test::TextOf(plan);
  EXPECT_EQ(plan.value().backup.label, "new");
  EXPECT_EQ(plan.value().stop.lsn.value / kSealedSegment, kYoung + kReal - 1);
}

TEST_F(ScaleTest, NobodyBelievesASealAboutTheWalOfABackup) {
  DeleteWhatIsNotReal();
  const std::string segment = SegmentFileName({1}, {2 * kSealedGroup + 1}, kSealedSegment);
  ASSERT_TRUE(memory_.Delete({layout::WalKey(segment)}, ctx_).ok());
  const auto info = LoadRepositoryInfo(*repository_, {}, ctx_);
  ASSERT_TRUE(info.ok()) << test::TextOf(info);
  EXPECT_EQ(info.value().backups[0].label, "old");
  EXPECT_EQ(info.value().backups[0].status, "wal missing");
  EXPECT_EQ(info.value().backups[1].status, "ok");
  VerifyOptions options;
  options.request.mode = VerifyMode::kQuick;
  FindingList findings;
  Progress progress;
  const auto report = VerifyRepository(*repository_, options, findings, progress, ctx_);
  ASSERT_TRUE(report.ok()) << test::TextOf(report);
  const auto& found = report.value().record.findings;
  EXPECT_TRUE(std::any_of(found.begin(), found.end(), [&](const Finding& each) {
    return each.severity == Severity::kDamage && each.object.find(segment) != std::string::npos;
  }));
}

TEST_F(ScaleTest, AnExpiryListsWhatItDeletes) {
  request_.policy.full = 1;
  request_.dry_run = true;
  const ExpireReport planned = MustRun();
  EXPECT_LE(Requests(), 60);
  request_.dry_run = false;
  const ExpireReport report = MustRun();
  EXPECT_LE(Requests(), 90);
  EXPECT_EQ(Labels(), "new");
  EXPECT_EQ(KeysUnder("wal/").size(), kYoungSegments - 2) << "those before the backup went, too";
  EXPECT_EQ(KeysUnder("change/").size(), kYoungSegments - 2);
  for (const ExpireReport* each : {&planned, &report})
    EXPECT_TRUE(std::any_of(each->rows.begin(), each->rows.end(),
                            [](const ExpireRow& row) { return row.what == "wal" && row.objects == 2; }));
}

TEST_F(ScaleTest, AQuickVerificationSaysWhatItDidNotLookAt) {
  VerifyOptions options;
  options.request.mode = VerifyMode::kQuick;
  FindingList findings;
  Progress progress;
  const auto report = VerifyRepository(*repository_, options, findings, progress, ctx_);
  ASSERT_TRUE(report.ok()) << test::TextOf(report);
  EXPECT_LE(Requests(), 80);
  EXPECT_GE(report.value().record.wal.objects, kGroups * kSealedGroup + kYoungSegments);
  bool said = false;
  for (const std::string& note : report.value().notes)
    said |= note == std::to_string(kGroups * kSealedGroup) +
                        " WAL segments were not looked at: seals say that they are stored.";
  EXPECT_TRUE(said);
}

}  // namespace
}  // namespace pitr
