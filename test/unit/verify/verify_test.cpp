#include "core/report/verify_report.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/repo/archive/change_map.h"
#include "core/verify/listing.h"
#include "core/verify/map_check.h"
#include "core/verify/pack_frames.h"
#include "unit/verify/verify_fixture.h"

namespace pitr {
namespace {

using test::Fault;
using test::StoreOp;
using test::VerifyFixture;

class Verify_ : public VerifyFixture, public testing::WithParamInterface<bool> {};
INSTANTIATE_TEST_SUITE_P(PlainAndEncrypted, Verify_, testing::Bool());

TEST_P(Verify_, AGoodRepositoryIsGoodInEveryMode) {
  Make(GetParam(), /*everything=*/true);
  const VerifyReport full = MustVerify();
  EXPECT_EQ(full.outcome(), VerifyOutcome::kGood) << VerifyText(full);
  EXPECT_TRUE(full.record.findings.empty()) << VerifyText(full);
  ASSERT_TRUE(full.record.backups.contains(label_));
  const Coverage& packs = full.record.backups.at(label_);
  EXPECT_EQ(packs.bytes_read, packs.bytes) << "check frames, too";
  EXPECT_EQ(full.record.unreferenced_bytes, 0U);
  EXPECT_EQ(packs.objects_read, packs.objects);
  EXPECT_GT(packs.objects, 0U);
  EXPECT_EQ(full.record.wal.objects, 36U);
  EXPECT_EQ(full.record.wal.bytes_read, full.record.wal.bytes);
  EXPECT_GT(full.record.extents, 3000U);
  EXPECT_EQ(full.record.newest_wal.at(1), SegmentName(0x72));

  const VerifyReport quick = MustVerify(Quick());
  EXPECT_EQ(quick.outcome(), VerifyOutcome::kGood) << VerifyText(quick);
  EXPECT_EQ(quick.record.backups.at(label_).bytes_read, 0U);
  EXPECT_EQ(quick.record.wal.objects, 36U);
}

// Neither a listing that leaves something out once nor one "not found" is damage.
TEST_P(Verify_, WhatIsMissingIsLookedForTwice) {
  Make(GetParam());
  const std::string key = plan_.backup.packs[0].key;
  const Bytes content = Content(key);
  bool taken = false;
  faults_->OnCallInTurn([&](StoreOp op, const std::string& prefix) {
    if (taken) { EXPECT_TRUE(memory_.Create(key, content, OpContext()).ok()); }
    taken = op == StoreOp::kList && prefix.empty();
    if (taken) { EXPECT_TRUE(memory_.Delete({key}, OpContext()).ok()); }
  });
  const VerifyReport report = MustVerify(Quick());
  EXPECT_EQ(report.outcome(), VerifyOutcome::kGood) << VerifyText(report);
  faults_->Inject({.op = StoreOp::kGet, .status = {Code::kNotFound, "gone"}, .key_contains = "pg_pitr.marker"});
  EXPECT_EQ(Verify(Quick()).code(), Code::kCorruption);
}

TEST_P(Verify_, AHoleInTheArchiveThatOneListingShowsIsNone) {
  Make(GetParam());
  const std::string key = layout::WalKey(SegmentName(0x60));
  const Bytes content = Content(key);
  int lists = 0;
  // Each of the listings in turn: the n-th does not have it.
  for (int without = 1; without == 1 || lists >= without - 1; ++without) {
    lists = 0;
    bool taken = false;
    faults_->OnCallInTurn([&](StoreOp op, const std::string& prefix) {
      if (taken) memory_.Replace(key, content);
      taken = op == StoreOp::kList && layout::WalKey(SegmentName(0x60)).starts_with(prefix) && ++lists == without;
      if (taken) { EXPECT_TRUE(memory_.Delete({key}, OpContext()).ok()); }
    });
    const VerifyReport report = MustVerify(Quick());
    EXPECT_EQ(report.outcome(), VerifyOutcome::kGood) << "listing " << without << "\n" << VerifyText(report);
    memory_.Replace(key, content);
  }
  EXPECT_GE(lists, 3) << "there were listings to be wrong";
  faults_->OnCall({});
  ASSERT_TRUE(memory_.Delete({key}, OpContext()).ok());
  EXPECT_EQ(MustVerify(Quick()).outcome(), VerifyOutcome::kDamage);
}

TEST_P(Verify_, FlippedBitsAreFoundAndNamed) {
  Make(GetParam());
  ASSERT_FALSE(plan_.backup.packs.empty());
  for (const std::string& key : {plan_.backup.packs[0].key, MapKey(), layout::MapPageKey(label_, 1), ManifestKey(),
                                 StartKey(), layout::WalKey(SegmentName(0x51)), layout::WalKey(SegmentName(0x72)),
                                 layout::WalKey("000000010000000000000050.00000028.backup")}) {
    const Bytes good = Content(key);
    ASSERT_FALSE(good.empty()) << key;
    for (const size_t byte : {size_t{3}, size_t{30}, size_t{70}, good.size() / 2, good.size() - 40, good.size() - 1}) {
      ASSERT_TRUE(memory_.FlipBit(key, byte * 8 + 2));
      const VerifyReport report = MustVerify();
      EXPECT_EQ(report.outcome(), VerifyOutcome::kDamage) << key << " byte " << byte;
      const Finding* finding = Find(report, key);
      ASSERT_NE(finding, nullptr) << key << " byte " << byte << "\n" << VerifyText(report);
      EXPECT_EQ(finding->severity, Severity::kDamage);
      EXPECT_FALSE(finding->hurts.empty()) << key;
      EXPECT_FALSE(finding->hint.empty()) << key;
      memory_.Replace(key, good);
    }
  }
  EXPECT_EQ(MustVerify().outcome(), VerifyOutcome::kGood);
}

TEST_P(Verify_, MissingAndShortObjectsAreFoundInTheQuickModeToo) {
  Make(GetParam());
  for (const std::string& key : {plan_.backup.packs[0].key, MapKey(), layout::MapPageKey(label_, 1), ManifestKey(),
                                 StartKey(), layout::WalKey(SegmentName(0x51)), layout::WalKey(SegmentName(0x71))}) {
    const Bytes good = Content(key);
    for (const bool gone : {true, false}) {
      if (gone) {
        ASSERT_TRUE(memory_.Delete({key}, OpContext()).ok());
      } else {
        memory_.Replace(key, Bytes(good.begin(), good.begin() + 50));
      }
      // What was verified before is how a backup without a manifest is known.
      for (const VerifyOptions& options : {VerifyOptions(), Quick()}) {
        const VerifyReport report = MustVerify(options);
        const Finding* finding = Find(report, key);
        ASSERT_NE(finding, nullptr) << key << (gone ? " is gone" : " is short") << "\n" << VerifyText(report);
        if (key == ManifestKey() && gone) continue;  // unfinished, as far as this run can know
        EXPECT_EQ(finding->severity, Severity::kDamage) << key;
      }
      memory_.Replace(key, good);
    }
  }
}

TEST_P(Verify_, TheMarkerAndTheKeySlots) {
  Make(GetParam());
  std::vector<std::string> keys = {std::string(layout::kMarkerKey)};
  for (const std::string& key : memory_.Keys())
    if (layout::ParseKeySlotKey(key)) keys.push_back(key);
  ASSERT_EQ(keys.size(), GetParam() ? 2U : 1U);
  for (const std::string& key : keys) {
    const Bytes good = Content(key);
    for (int how = 0; how < 3; ++how) {
      if (how == 0) memory_.FlipBit(key, 8 * 100 + 1);
      if (how == 1) memory_.Replace(key, Bytes(good.begin(), good.begin() + 80));
      if (how == 2) { ASSERT_TRUE(memory_.Delete({key}, OpContext()).ok()); }
      FindingList findings;
      const auto openable = CheckOpening(*faults_, findings, OpContext());
      ASSERT_TRUE(openable.ok()) << openable.status().ToString();
      EXPECT_FALSE(openable.value());
      ASSERT_EQ(findings.Copy().size(), 1U);
      const std::string object = findings.Copy()[0].object;
      EXPECT_TRUE(object == key || (how == 2 && object == layout::kKeyringPrefix)) << object;
      memory_.Replace(key, good);
    }
  }
}

TEST_F(VerifyFixture, DamageInAPackNamesFilesAndBackups) {
  Make();
  const PackEntry& pack = plan_.backup.packs[0];
  memory_.FlipBit(pack.key, (kObjectHeaderBytes + 100) * 8);
  const VerifyReport report = MustVerify();
  const Finding* finding = Find(report, pack.key);
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->begin, kObjectHeaderBytes);
  EXPECT_GT(finding->end, finding->begin);
  EXPECT_EQ(finding->labels, std::vector<std::string>{label_});
  ASSERT_FALSE(finding->files.empty());
  EXPECT_EQ(finding->file_count, finding->files.size());
  EXPECT_TRUE(tree_.expected().contains(finding->files[0])) << finding->files[0];
  const std::string text = VerifyText(report);
  for (const std::string& part : {pack.key, finding->files[0], label_, std::string("result: damage")})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  const auto json = VerifyJson(report);
  EXPECT_EQ(json["result"], "damage");
  EXPECT_EQ(json["findings"][0]["object"], pack.key);
}

TEST_P(Verify_, DamagedCheckFramesAreFoundAndHurtNoBackup) {
  Make(GetParam());
  const PackEntry& pack = plan_.backup.packs[0];
  // The last frame before the end frame is a check frame.
  const uint64_t end = pack.size_bytes - kFrameHeaderBytes - kEndPlainBytes - (GetParam() ? kFrameTagBytes : 0);
  for (const uint64_t byte : {end - 1, end - 20}) {
    const Bytes good = Content(pack.key);
    memory_.FlipBit(pack.key, byte * 8);
    const VerifyReport report = MustVerify(Sample(1));
    const Finding* finding = Find(report, pack.key);
    ASSERT_NE(finding, nullptr) << VerifyText(report);
    EXPECT_EQ(report.record.findings.size(), 1U) << VerifyText(report);
    EXPECT_EQ(finding->severity, Severity::kDamage);
    EXPECT_LE(finding->begin, byte);
    EXPECT_EQ(finding->end, end);
    EXPECT_TRUE(finding->labels.empty()) << "they are no part of a file";
    EXPECT_EQ(finding->hurts.substr(0, 8), "Nothing:");
    memory_.Replace(pack.key, good);
  }
}

TEST_F(VerifyFixture, DamagedWalSaysHowFarRecoveryGoes) {
  Make();
  memory_.FlipBit(layout::WalKey(SegmentName(0x51)), 8 * 200);
  memory_.FlipBit(layout::WalKey(SegmentName(0x71)), 8 * 200);
  const VerifyReport report = MustVerify();
  const Finding* needed = Find(report, layout::WalKey(SegmentName(0x51)));
  const Finding* later = Find(report, layout::WalKey(SegmentName(0x71)));
  ASSERT_NE(needed, nullptr);
  ASSERT_NE(later, nullptr);
  EXPECT_EQ(needed->labels, std::vector<std::string>{label_});
  EXPECT_TRUE(later->labels.empty());
  EXPECT_NE(later->hurts.find("ends at 0/7100000"), std::string::npos) << later->hurts;
  EXPECT_NE(later->hurts.find(label_), std::string::npos) << later->hurts;
}

TEST_F(VerifyFixture, WalThatWasThereAtTheEndBefore) {
  Make();
  MustVerify(Quick());
  ASSERT_TRUE(memory_.Delete({layout::WalKey(SegmentName(0x72))}, OpContext()).ok());
  const VerifyReport report = MustVerify(Quick());
  const Finding* finding = Find(report, layout::WalKey(SegmentName(0x72)));
  ASSERT_NE(finding, nullptr) << VerifyText(report);
  EXPECT_EQ(finding->severity, Severity::kDamage);
}

TEST_F(VerifyFixture, AManifestThatWasThereBefore) {
  Make();
  MustVerify(Quick());
  ASSERT_TRUE(memory_.Delete({ManifestKey()}, OpContext()).ok());
  const VerifyReport report = MustVerify(Quick());
  const Finding* finding = Find(report, ManifestKey());
  ASSERT_NE(finding, nullptr) << VerifyText(report);
  EXPECT_EQ(finding->severity, Severity::kDamage);
  VerifyOptions one;
  one.request.scope = VerifyScope::kBackup;
  one.request.label = label_;
  EXPECT_NE(Find(MustVerify(one), ManifestKey()), nullptr);
}

TEST_F(VerifyFixture, LeftoversAndStrangersAreWarnings) {
  Make();
  memory_.Replace("data/left/000001", Bytes(100));
  memory_.Replace("probe/0011", Bytes(10));
  memory_.Replace("stranger/file", Bytes(10));
  memory_.Replace("wal/00000001/readme", Bytes(10));
  const std::vector<std::string> strangers = {"data/readme", layout::DataPrefix(label_) + "page.1",
                                              layout::PackKey(label_, 1) + ".away"};
  for (const std::string& key : strangers) memory_.Replace(key, Bytes(10));
  const VerifyReport report = MustVerify(Quick());
  EXPECT_EQ(report.outcome(), VerifyOutcome::kGood) << VerifyText(report);
  EXPECT_EQ(report.record.counts.warnings, 7U) << VerifyText(report);
  for (const std::string& key : strangers) {
    ASSERT_NE(Find(report, key), nullptr) << key << VerifyText(report);
    EXPECT_EQ(Find(report, key)->problem, "unknown") << key;
    EXPECT_EQ(Find(report, key)->hint, Find(report, "stranger/file")->hint) << key;
  }
  EXPECT_NE(Find(report, "data/left/")->hint.find("pg_pitr expire"), std::string::npos) << VerifyText(report);
  for (const char* object : {"data/left/", "probe/0011", "stranger/file", "wal/00000001/readme"})
    EXPECT_NE(Find(report, object), nullptr) << object << VerifyText(report);
}

TEST_F(VerifyFixture, NothingIsNobodysWhileAListCannotBeRead) {
  Make();
  const auto note = [](const VerifyReport& report) { return report.notes.empty() ? "" : report.notes.back(); };
  const std::string page = layout::MapPageKey(label_, 1);
  const Bytes good_page = Content(page), good_manifest = Content(ManifestKey());
  ASSERT_TRUE(memory_.FlipBit(page, 8 * (good_page.size() / 2)));
  VerifyReport report = MustVerify();
  EXPECT_EQ(report.record.unreferenced_bytes, 0U) << VerifyText(report);
  EXPECT_NE(note(report).find("were not counted in the packs of backup " + label_ +
                              ": not all of the file map of backup " + label_ + " can be read."),
            std::string::npos)
      << VerifyText(report);
  memory_.Replace(page, good_page);
  memory_.Replace("data/other/000001", Bytes(100));
  const std::string orphan = layout::DataPrefix("other");
  EXPECT_EQ(Find(MustVerify(), orphan)->detail.find("not certain"), std::string::npos);
  ASSERT_TRUE(memory_.FlipBit(ManifestKey(), 8 * (good_manifest.size() / 2)));
  report = MustVerify();
  ASSERT_NE(Find(report, orphan), nullptr) << VerifyText(report);
  EXPECT_NE(
      Find(report, orphan)->detail.find("That is not certain: the manifest of backup " + label_ + " cannot be read"),
      std::string::npos)
      << VerifyText(report);
  EXPECT_NE(note(report).find("were not counted: the manifest of backup " + label_ + " cannot be read."),
            std::string::npos)
      << VerifyText(report);
}

TEST_F(VerifyFixture, ChangeMapsAreReadAndHurtNoRecovery) {
  Make();
  SegmentChanges changes;
  changes.size = repo_.repository->segment_size();
  for (uint64_t number : {0x50, 0x51, 0x52}) {
    changes.start = SegmentStart({number}, changes.size);
    ASSERT_TRUE(StoreChangeMap(*repo_.repository, SegmentName(number), changes, OpContext()).ok());
  }
  EXPECT_TRUE(MustVerify().record.findings.empty());
  const std::string damaged = layout::ChangeMapKey(SegmentName(0x51)), other = layout::ChangeMapKey(SegmentName(0x52));
  memory_.FlipBit(damaged, 8 * 90);
  const Bytes moved = Content(layout::ChangeMapKey(SegmentName(0x50)));
  memory_.Replace(other, moved);
  for (VerifyScope scope : {VerifyScope::kAll, VerifyScope::kWal}) {
    VerifyOptions options;
    options.request.scope = scope;
    const VerifyReport report = MustVerify(options);
    EXPECT_EQ(report.outcome(), VerifyOutcome::kGood);
    EXPECT_EQ(report.record.counts.warnings, 2u);
    for (const std::string& key : {damaged, other}) {
      ASSERT_NE(Find(report, key), nullptr) << key;
      EXPECT_EQ(Find(report, key)->severity, Severity::kWarning);
      EXPECT_EQ(Find(report, key)->problem, "corrupt");
      EXPECT_TRUE(Find(report, key)->hurts.starts_with("No recovery.")) << Find(report, key)->hurts;
    }
  }
  EXPECT_TRUE(MustVerify(Quick()).record.findings.empty());
  memory_.Replace("change/00000001/stranger", moved);
  memory_.Replace(damaged, Bytes(5));
  const VerifyReport quick = MustVerify(Quick());
  ASSERT_NE(Find(quick, damaged), nullptr);
  EXPECT_EQ(Find(quick, damaged)->severity, Severity::kWarning);
  ASSERT_NE(Find(quick, "change/00000001/stranger"), nullptr);
  EXPECT_EQ(Find(quick, "change/00000001/stranger")->problem, "unknown");
}

TEST_F(VerifyFixture, ADeadStoreIsNotDamage) {
  Make();
  faults_->SetDead(true);
  auto report = Verify();
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.code(), Code::kUnavailable);
  faults_->SetDead(false);
  // It goes away while data is read.
  Fault fault;
  fault.key_contains = "wal/";
  fault.op = StoreOp::kGet;
  fault.skip = 2;
  fault.times = INT_MAX;
  faults_->Inject(fault);
  fault.key_contains = std::string(layout::kMarkerKey);
  fault.skip = 1;  // the opening
  fault.op = StoreOp::kStat;
  fault.skip = 0;
  faults_->Inject(fault);
  report = Verify();
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.code(), Code::kUnavailable);
}

TEST_F(VerifyFixture, OneObjectThatCannotBeReadIsUnchecked) {
  Make();
  Fault fault;
  fault.key_contains = SegmentName(0x71);
  fault.times = INT_MAX;
  faults_->Inject(fault);
  const VerifyReport report = MustVerify();
  EXPECT_EQ(report.outcome(), VerifyOutcome::kUnchecked) << VerifyText(report);
  const Finding* finding = Find(report, layout::WalKey(SegmentName(0x71)));
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->severity, Severity::kUnchecked);
}

TEST_F(VerifyFixture, ASampleIsReproducibleAndSaysWhatItCovered) {
  Make(false, /*everything=*/true);
  const VerifyReport first = MustVerify(Sample(30, 7));
  const VerifyReport again = MustVerify(Sample(30, 7));
  EXPECT_EQ(first.outcome(), VerifyOutcome::kGood) << VerifyText(first);
  EXPECT_EQ(first.record.backups.at(label_), again.record.backups.at(label_));
  EXPECT_EQ(first.record.wal, again.record.wal);
  EXPECT_EQ(first.record.extents, again.record.extents);
  const Coverage& packs = first.record.backups.at(label_);
  EXPECT_GT(packs.bytes_read, 0U) << "something of every backup is read";
  // Where the reads begin is another time another; one seed may draw them all.
  uint64_t least = packs.bytes_read;
  for (uint64_t seed = 8; seed <= 20; ++seed)
    least = std::min(least, MustVerify(Sample(30, seed)).record.backups.at(label_).bytes_read);
  EXPECT_GT(MustVerify(Sample(100)).record.backups.at(label_).bytes_read, least);
  EXPECT_LT(MustVerify(Sample(0.0001, 1)).record.wal.objects_read, 36U);
  // Over many seeds every WAL object is drawn.
  memory_.FlipBit(layout::WalKey(SegmentName(0x72)), 8 * 300);
  int found = 0;
  for (uint64_t seed = 1; seed <= 12; ++seed)
    found += Find(MustVerify(Sample(50, seed)), layout::WalKey(SegmentName(0x72))) != nullptr ? 1 : 0;
  EXPECT_GT(found, 0);
  EXPECT_LT(found, 12);
}

TEST_F(VerifyFixture, AnInterruptedRunIsContinued) {
  Make();
  const std::string bad = layout::WalKey(SegmentName(0x50));
  memory_.FlipBit(bad, 8 * 300);
  CancelToken cancel;
  OpContext ctx;
  ctx.cancel = &cancel;
  faults_->OnCallInTurn([&](StoreOp op, const std::string& key) {
    if (op == StoreOp::kGet && key == layout::WalKey(SegmentName(0x71))) cancel.Cancel();
  });
  VerifyOptions options;
  options.jobs = 1;
  auto interrupted = Verify(options, ctx);
  ASSERT_FALSE(interrupted.ok());
  EXPECT_EQ(interrupted.code(), Code::kCancelled);
  std::vector<std::string> read;
  faults_->OnCallInTurn([&](StoreOp op, const std::string& key) {
    if (op == StoreOp::kGet && (layout::LabelOfPackKey(key) || key.starts_with("wal/"))) read.push_back(key);
  });
  const VerifyReport report = MustVerify(options);
  faults_->OnCall(nullptr);
  EXPECT_TRUE(report.continued);
  for (const std::string& key : read) EXPECT_GT(key, layout::WalKey(SegmentName(0x70))) << "not read again";
  const Finding* finding = Find(report, bad);
  ASSERT_NE(finding, nullptr) << "what was found before the interruption is in the result";
  EXPECT_EQ(finding->labels, std::vector<std::string>{label_});
  EXPECT_EQ(report.record.wal.objects, 36U);
  EXPECT_EQ(report.record.wal.bytes_read, report.record.wal.bytes);
  EXPECT_EQ(report.record.backups.at(label_).bytes_read, report.record.backups.at(label_).bytes);
  for (const std::string& key : memory_.Keys()) EXPECT_EQ(key.find("progress"), std::string::npos) << key;
}

TEST_F(VerifyFixture, ARunThatDiedIsContinuedFromItsLastProgress) {
  Make();
  VerifyOptions options;
  options.jobs = 1;
  options.checkpoint_millis = 0;
  // The process is gone at the third read of WAL: nothing is stored from then on.
  int reads = 0;
  faults_->OnCallInTurn([&](StoreOp op, const std::string& key) {
    if (op == StoreOp::kGet && key.starts_with("wal/") && ++reads == 4) faults_->SetDead(true);
  });
  ASSERT_FALSE(Verify(options).ok());
  faults_->OnCall(nullptr);
  faults_->SetDead(false);
  auto records = LoadVerifyRecords(*repo_.repository, OpContext());
  ASSERT_TRUE(records.ok());
  ASSERT_EQ(records.value().unfinished.size(), 1U);
  EXPECT_EQ(records.value().unfinished[0].pack_done, "~");
  const VerifyReport report = MustVerify(options);
  EXPECT_TRUE(report.continued);
  EXPECT_EQ(report.outcome(), VerifyOutcome::kGood) << VerifyText(report);
  EXPECT_EQ(report.record.wal.objects, 36U);
  options.restart = true;
  EXPECT_FALSE(MustVerify(options).continued);
}

TEST_F(VerifyFixture, ScopesLookAtWhatTheyName) {
  Make();
  memory_.FlipBit(plan_.backup.packs[0].key, 8 * 500);
  memory_.FlipBit(layout::WalKey(SegmentName(0x72)), 8 * 500);
  VerifyOptions wal;
  wal.request.scope = VerifyScope::kWal;
  const VerifyReport only_wal = MustVerify(wal);
  EXPECT_EQ(Find(only_wal, plan_.backup.packs[0].key), nullptr);
  EXPECT_NE(Find(only_wal, layout::WalKey(SegmentName(0x72))), nullptr);
  EXPECT_TRUE(only_wal.record.backups.empty());
  VerifyOptions one;
  one.request.scope = VerifyScope::kBackup;
  one.request.label = label_;
  const VerifyReport only_backup = MustVerify(one);
  EXPECT_NE(Find(only_backup, plan_.backup.packs[0].key), nullptr);
  EXPECT_EQ(Find(only_backup, layout::WalKey(SegmentName(0x72))), nullptr) << "the backup does not need it";
  EXPECT_EQ(only_backup.record.wal.objects, 33U);
  one.request.label = "nobody";
  EXPECT_EQ(Verify(one).code(), Code::kNotFound);
}

TEST_F(VerifyFixture, ASmallWindowChecksTheSame) {
  Make(false, /*everything=*/true);
  const auto catalog = BackupCatalog::Load(*repo_.repository, OpContext());
  ASSERT_TRUE(catalog.ok()) << catalog.status().ToString();
  CheckedPacks table = MakeCheckedPacks({&plan_.backup});
  FindingList findings;
  auto listing = TakeListing(*repo_.repository, {}, catalog.value(), {}, {}, table, findings, OpContext());
  ASSERT_TRUE(listing.ok()) << listing.status().ToString();
  ASSERT_TRUE(CheckFileMaps(*repo_.repository, listing.value(), 1, table, findings, OpContext()).ok());
  EXPECT_TRUE(findings.Copy().empty());
  EXPECT_TRUE(table.backups[0].mapped);
  for (TabledPack& pack : table.packs) {
    EXPECT_GT(pack.extents, 0U) << pack.key;
    pack.extents = 10;
  }
  ASSERT_GT(table.packs.size(), 1U);
  EXPECT_EQ(EndOfWindow(table, 0, 5), 1U) << "one at least";
  EXPECT_EQ(EndOfWindow(table, 0, 20), 2U);
  auto all = CollectFrames(*repo_.repository, table, 0, table.packs.size(), OpContext());
  auto first = CollectFrames(*repo_.repository, table, 0, 1, OpContext());
  auto rest = CollectFrames(*repo_.repository, table, 1, table.packs.size(), OpContext());
  ASSERT_TRUE(all.ok() && first.ok() && rest.ok());
  EXPECT_EQ(all.value().frames.size(), first.value().frames.size() + rest.value().frames.size());
  EXPECT_EQ(all.value().extents.size(), first.value().extents.size() + rest.value().extents.size());
  const auto runs = PlanReads(table, all.value());
  uint64_t bytes = 0;
  size_t frames = 0;
  for (const PackRead& run : runs) {
    EXPECT_LE(run.end - run.begin, kPackReadBytes);
    bytes += run.end - run.begin;
    frames += run.count;
  }
  EXPECT_EQ(frames, all.value().frames.size()) << "each frame is read once";
  uint64_t stored = 0;
  for (const KnownFrame& frame : all.value().frames) stored += frame.stored_bytes;
  EXPECT_EQ(bytes, stored);
}

}  // namespace
}  // namespace pitr
