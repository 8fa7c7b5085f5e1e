// Verification next to retention: what expiry leaves on purpose, or deletes meanwhile, is no damage.
#include <gtest/gtest.h>

#include "core/repo/backups/backup_pin.h"
#include "core/repo/backups/expire_mark.h"
#include "core/repo/maps/partial_map.h"
#include "core/repo/timelines/timeline_aside.h"
#include "core/report/verify_report.h"
#include "core/verify/wal_verify.h"
#include "unit/verify/verify_fixture.h"

namespace pitr {
namespace {

using test::StoreOp;
using test::VerifyFixture;

class VerifyRetention : public VerifyFixture {
 protected:
  // Copies of the backup that need the segments [first, last].
  void AddBackup(const std::string& label, uint64_t first, uint64_t last) {
    const uint64_t segment = repo_.repository->segment_size();
    BackupManifest backup = plan_.backup;
    backup.label = label;
    backup.start_lsn = Lsn{first * segment + 0x28};
    backup.stop_lsn = Lsn{last * segment + 0x100};
    catalog_.backups.push_back(backup);
  }
  void AddSegments(uint64_t first, uint64_t last) {
    for (uint64_t number = first; number <= last; ++number) AddSegment(number);
  }
  void DeleteSegment(uint64_t number) {
    ASSERT_TRUE(memory_.Delete({layout::WalKey(SegmentName(number))}, OpContext()).ok());
  }
  // Two backups that are kept alone, and one with its window.
  void MakeThinned() {
    Make();
    AddBackup("pinned", 0x10, 0x12);
    AddBackup("monthly", 0x20, 0x22);
    AddBackup("window", 0x50, 0x70);
    AddSegments(0x10, 0x12);
    AddSegments(0x20, 0x22);
  }
  std::vector<Finding> Chains() {
    auto wal = WalCatalog::Load(*repo_.repository, OpContext());
    EXPECT_TRUE(wal.ok()) << wal.status().ToString();
    FindingList findings;
    if (!wal.ok()) return {};
    const auto going_on = TimelinesThatGoOn(*repo_.repository, catalog_, wal.value(), OpContext());
    EXPECT_TRUE(going_on.ok()) << going_on.status().ToString();
    CheckWalChains(*repo_.repository, catalog_, wal.value(), going_on.value(), nullptr, {}, findings);
    return findings.Copy();
  }
  BackupCatalog catalog_;
};

TEST_F(VerifyRetention, WalBehindABackupThatIsKeptAloneIsNoGap) {
  MakeThinned();
  EXPECT_TRUE(Chains().empty()) << Chains()[0].detail;
}

// A copy that archived by mistake has the highest number and was set aside: what is missing on the way that recoveries
// take is damage.
TEST_F(VerifyRetention, TheHighestNumberIsNotTheWayThatRecoveriesTake) {
  Make();
  AddBackup("window", 0x50, 0x70);
  const uint64_t fork = 0x71 * uint64_t{repo_.repository->segment_size()} + 0x100;
  AddWal("00000002.history", AsBytes("1\t" + Lsn{fork}.ToString() + "\tcopy\n"));
  AddSegment(0x71, 2);
  AddSegment(0x72, 2);
  AddSegment(0x73);
  ASSERT_TRUE(SetTimelineAside(*repo_.repository, Timeline{2}, {true, "copy", "a test", 1}, OpContext()).ok());
  DeleteSegment(0x72);
  const std::vector<Finding> found = Chains();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].object, layout::WalKey(SegmentName(0x72)));
  EXPECT_EQ(found[0].severity, Severity::kDamage);
}

TEST_F(VerifyRetention, WhatAnExpiryThatWasKilledHasLeftIsAWarning) {
  MakeThinned();
  AddSegments(0x48, 0x4A);  // 0x4B to 0x4F are gone
  AddSegments(0x16, 0x1F);
  const auto findings = Chains();
  ASSERT_EQ(findings.size(), 3U);
  for (const Finding& finding : findings) EXPECT_EQ(finding.severity, Severity::kWarning) << finding.detail;
}

TEST_F(VerifyRetention, AGapWithinWhatABackupReachesIsDamage) {
  MakeThinned();
  AddSegments(0x13, 0x15);
  AddSegments(0x1C, 0x1F);
  const auto findings = Chains();
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].severity, Severity::kDamage);
  EXPECT_EQ(findings[0].object, layout::WalKey(SegmentName(0x16)));
  EXPECT_NE(findings[0].hurts.find("from pinned ends at 0/1600000"), std::string::npos) << findings[0].hurts;
}

TEST_F(VerifyRetention, WhatABackupNeedsIsDamageWhereverItLies) {
  MakeThinned();
  DeleteSegment(0x21);
  DeleteSegment(0x71);
  const auto findings = Chains();
  ASSERT_EQ(findings.size(), 2U);
  for (const Finding& finding : findings) EXPECT_EQ(finding.severity, Severity::kDamage) << finding.detail;
  EXPECT_EQ(findings[0].labels, std::vector<std::string>{"monthly"});
  EXPECT_EQ(findings[1].object, layout::WalKey(SegmentName(0x71)));
  EXPECT_EQ(findings[1].hurts, "Recovery along timeline 1 from window ends at 0/7100000.");
}

TEST_F(VerifyRetention, PinsHoldsAndMarksAreReadAndDamagedOnesNamed) {
  Make(/*encrypted=*/true);
  ASSERT_TRUE(PinBackup(*repo_.repository, {.label = label_, .reason = "audit"}, OpContext()).ok());
  ASSERT_TRUE(CreateHold(*repo_.repository, label_, 1000000, "host", OpContext()).ok());
  EXPECT_TRUE(MustVerify(Quick()).record.findings.empty());
  constexpr layout::BackupObject kMarks[] = {layout::BackupObject::kExpireMark, layout::BackupObject::kAloneMark};
  std::set<std::string> marks;
  for (const layout::BackupObject mark : kMarks) {
    ASSERT_TRUE(CreateMark(*repo_.repository, label_, mark, "host", OpContext()).ok());
    marks.insert(layout::BackupKey(label_, mark));
  }
  EXPECT_TRUE(MustVerify(Quick()).record.findings.empty()) << "a mark takes nothing from a backup";
  int found = 0;
  for (const std::string& key : memory_.Keys()) {
    if (!layout::ParsePinKey(key) && !layout::ParseHoldKey(key) && !marks.contains(key)) continue;
    const Bytes good = Content(key);
    ASSERT_TRUE(memory_.FlipBit(key, (good.size() / 2) * 8));
    const VerifyReport report = MustVerify(Quick());
    ASSERT_NE(Find(report, key), nullptr) << VerifyText(report);
    // What a pin or the mark of a deletion says has to be said again.
    const bool again = layout::ParsePinKey(key) || key.ends_with("/expire");
    EXPECT_EQ(Find(report, key)->severity, again ? Severity::kDamage : Severity::kWarning) << key;
    EXPECT_EQ(Find(report, key)->hurts.substr(0, 12), "No recovery.");
    memory_.Replace(key, good);
    ++found;
  }
  EXPECT_EQ(found, 4);
}

TEST_F(VerifyRetention, WhatIsLeftOfABackupThatIsBeingDeletedIsNoDamage) {
  Make();
  MustVerify(Quick());
  ASSERT_TRUE(CreateMark(*repo_.repository, label_, layout::BackupObject::kExpireMark, "host", OpContext()).ok());
  ASSERT_TRUE(memory_.Delete({ManifestKey()}, OpContext()).ok());
  const VerifyReport report = MustVerify(Quick());
  EXPECT_EQ(report.outcome(), VerifyOutcome::kGood) << VerifyText(report);
  EXPECT_NE(Find(report, layout::BackupKey(label_, layout::BackupObject::kExpireMark)), nullptr) << VerifyText(report);
}

TEST_F(VerifyRetention, PartialMapsBelongToBackupsThatHaveNotFinished) {
  Make();
  const std::string start = layout::BackupKey("began", layout::BackupObject::kStart);
  const auto begin_at = [&](int64_t micros) {
    (void)memory_.Delete({start}, OpContext());
    const std::string text = "{\"started_micros\":" + std::to_string(micros) + "}";
    ASSERT_TRUE(repo_.repository->CreateObject(ObjectKind::kBackupStart, start, AsBytes(text), OpContext()).ok());
  };
  begin_at(5);
  PartialMap map;
  map.header.pack_bytes = 100;
  ASSERT_TRUE(WritePartialMap(*repo_.repository, "began", 1, map, OpContext()).ok());
  memory_.Replace(layout::PackKey("began", 1), Bytes(100));
  const VerifyReport old = MustVerify(Quick());
  ASSERT_NE(Find(old, start), nullptr) << VerifyText(old);
  EXPECT_TRUE(
      Find(old, start)
          ->hint.starts_with("It cannot be restored, nor does a backup resume it: it is older than the full backup \"" +
                             label_ + "\". What no backup needs of it goes with the first expiry"))
      << Find(old, start)->hint;
  begin_at(INT64_MAX);
  const VerifyReport report = MustVerify(Quick());
  EXPECT_EQ(report.outcome(), VerifyOutcome::kGood) << VerifyText(report);
  ASSERT_EQ(report.record.findings.size(), 1u) << VerifyText(report);
  EXPECT_EQ(report.record.findings[0].problem, "unfinished");
  EXPECT_EQ(report.record.findings[0].hint,
            "It cannot be restored; the next full backup can take over what it has stored, with the same "
            "compression_level.");
  memory_.Replace(layout::PartialKey(label_, 1), Bytes(100));
  const VerifyReport left = MustVerify(Quick());
  EXPECT_EQ(left.outcome(), VerifyOutcome::kGood) << VerifyText(left);
  ASSERT_NE(Find(left, layout::PartialPrefix(label_)), nullptr) << VerifyText(left);
  EXPECT_EQ(Find(left, layout::PartialPrefix(label_))->problem, "orphan");
}

// What is wrong with these is said, and that no recovery is hurt; who has deleted one may have meant to.
class VerifyAside : public VerifyRetention, public testing::WithParamInterface<bool> {};
INSTANTIATE_TEST_SUITE_P(PlainAndEncrypted, VerifyAside, testing::Bool());

TEST_P(VerifyAside, DamagedPartialMapsAndResultsAreNamed) {
  Make(GetParam());
  PartialMap map;
  map.header.pack_bytes = 100;
  ASSERT_TRUE(WritePartialMap(*repo_.repository, "began", 1, map, OpContext()).ok());
  MustVerify(Quick());
  for (const std::string& key : {layout::PartialKey("began", 1), layout::VerifyKey({.run = 1})}) {
    const Bytes good = Content(key);
    ASSERT_FALSE(good.empty()) << key;
    const Bytes cut(good.begin(), good.end() - 1);
    Bytes flipped = good;
    flipped[good.size() / 2] ^= 4;
    for (const Bytes& bad : {flipped, cut, Bytes()}) {
      memory_.Replace(key, bad);
      for (const VerifyOptions& options : {VerifyOptions(), Quick()}) {
        const VerifyReport report = MustVerify(options);
        EXPECT_EQ(report.outcome(), VerifyOutcome::kGood);
        const Finding* finding = Find(report, key);
        ASSERT_NE(finding, nullptr) << key << "\n" << VerifyText(report);
        EXPECT_EQ(finding->severity, Severity::kWarning) << key;
        EXPECT_EQ(finding->problem, "corrupt") << key;
        EXPECT_TRUE(finding->hurts.starts_with("No recovery.")) << finding->hurts;
      }
    }
    ASSERT_TRUE(memory_.Delete({key}, OpContext()).ok());
    EXPECT_EQ(Find(MustVerify(Quick()), key), nullptr) << key;
  }
}

// Deleted at the first read of an object with this prefix.
class VerifyDeleted : public VerifyRetention, public testing::WithParamInterface<const char*> {};
INSTANTIATE_TEST_SUITE_P(AtAPackAndAtWal, VerifyDeleted, testing::Values("data/", "wal/"));

TEST_P(VerifyDeleted, ABackupThatIsDeletedMeanwhileIsNoDamage) {
  Make();
  bool deleted = false;
  faults_->OnCallInTurn([&](StoreOp op, const std::string& key) {
    if (op != StoreOp::kGet || !key.starts_with(GetParam()) || deleted) return;
    deleted = true;
    std::vector<std::string> gone;
    for (const std::string& each : memory_.Keys())
      if (each.starts_with("backup/") || each.starts_with("data/") ||
          (each.starts_with("wal/") && each < layout::WalKey(SegmentName(0x70))))
        gone.push_back(each);
    ASSERT_TRUE(memory_.Delete(gone, OpContext()).ok());
  });
  VerifyOptions options;
  options.jobs = 1;
  const VerifyReport report = MustVerify(options);
  faults_->OnCall(nullptr);
  EXPECT_TRUE(deleted);
  EXPECT_EQ(report.outcome(), VerifyOutcome::kGood) << VerifyText(report);
  EXPECT_TRUE(report.record.backups.empty());
}

}  // namespace
}  // namespace pitr
