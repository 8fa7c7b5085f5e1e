// The objects that increments, pins, expiry and interrupted backups leave, as the first release that wrote them did,
// are read by every later one. (That increments restore: golden_restore_test.cpp.)
#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "core/backup/merge.h"
#include "core/backup/plan/parent_choice.h"
#include "core/base/hash.h"
#include "core/pg/control.h"
#include "core/pg/page.h"
#include "core/repo/backups/backup_catalog.h"
#include "core/repo/backups/backup_failure.h"
#include "core/repo/backups/backup_remarks.h"
#include "core/repo/backups/expire_mark.h"
#include "core/repo/envelope/json_fields.h"
#include "core/repo/layout.h"
#include "core/repo/maps/block_checks.h"
#include "core/repo/maps/file_map.h"
#include "core/repo/maps/frame_reader.h"
#include "core/repo/maps/partial_map.h"
#include "core/repo/timelines/timeline_aside.h"
#include "core/restore/content_notes.h"
#include "core/survey/repository_info.h"
#include "core/verify/record.h"
#include "core/verify/verify.h"
#include "lib/golden_fixture.h"
#include "lib/golden_increments.h"
#include "lib/golden_pins.h"

namespace pitr {
namespace {

// The bytes that a backup's extents give, and what is known of the extents.
struct ReadFiles {
  std::map<std::string, Bytes> files;
  std::map<std::string, uint64_t> bytes_of_label;  // by the label whose pack has them
  uint64_t own_changed_bytes = 0;                  // of kGoldenChangedPath, in a pack of the backup itself
  uint64_t unchecked = 0;
};

class GoldenIncrement : public test::GoldenRepositoryTest {
 protected:
  void SetUp() override {
    repository_ = Open();
    ASSERT_NE(repository_, nullptr);
    auto catalog = BackupCatalog::Load(*repository_, ctx_);
    ASSERT_TRUE(catalog.ok()) << catalog.status().ToString();
    catalog_ = std::move(catalog).value();
  }

  void Load(const std::string& label, const BackupManifest*& manifest, FileMap& map) {
    manifest = catalog_.Find(label);
    ASSERT_NE(manifest, nullptr);
    auto read = ReadFileMap(*repository_, *manifest, ctx_);
    ASSERT_TRUE(read.ok()) << read.status().ToString();
    map = std::move(read).value();
  }

  // By info, verify and the plan; and a merge would make a full backup of it, of which nobody could tell.
  void ExpectDoubtIsTold(const BackupManifest& manifest) {
    const auto info = LoadRepositoryInfo(*repository_, {.read_last_commit = false}, ctx_);
    ASSERT_TRUE(info.ok()) << info.status().ToString();
    EXPECT_TRUE(std::any_of(info.value().backups.begin(), info.value().backups.end(), [&](const BackupRow& row) {
      return row.label == manifest.label && row.problem.find("visibility maps") != std::string::npos;
    }));
    RestorePlan plan;
    plan.backup = manifest;
    AddContentNotes(catalog_, {}, {}, plan);
    EXPECT_TRUE(std::any_of(plan.notes.begin(), plan.notes.end(),
                            [](const std::string& note) { return note.starts_with("The backup may be wrong: "); }));
    VerifyOptions quick;
    quick.request.mode = VerifyMode::kQuick;
    FindingList findings;
    Progress progress;
    const auto verified = VerifyRepository(*repository_, quick, findings, progress, ctx_);
    ASSERT_TRUE(verified.ok()) << verified.status().ToString();
    const auto& found = verified.value().record.findings;
    EXPECT_TRUE(std::any_of(found.begin(), found.end(), [&](const Finding& finding) {
      return finding.problem == "page LSN" &&
             finding.object == layout::BackupKey(manifest.label, layout::BackupObject::kManifest);
    }));
    const auto merged = MergeBackup(*repository_, {manifest.label, "merged", "test"}, ctx_);
    EXPECT_EQ(merged.code(), Code::kConflict) << merged.status().ToString();
    EXPECT_NE(merged.status().message().find("is not merged"), std::string::npos) << merged.status().ToString();
  }

  // Adds what `files` have in `packs`.
  void Read(const std::vector<PackEntry>& packs, const std::vector<MappedFrame>& frames,
            const std::vector<MappedFile>& files, const std::string& own_label, ReadFiles& read) {
    FrameReader reader(*repository_);
    for (const MappedFile& file : files) {
      Bytes& bytes = read.files[file.path];
      bytes.resize(file.size_bytes);
      for (const Extent& extent : file.extents) {
        const MappedFrame& frame = frames[extent.frame];
        const std::string& key = packs[frame.pack].key;
        auto plain = reader.Read(key, frame.ref, ctx_);
        ASSERT_TRUE(plain.ok()) << plain.status().ToString();
        const ByteView piece = plain.value().subspan(extent.frame_offset, extent.length);
        if (extent.checked) {
          EXPECT_EQ(Xxh3Of(piece), extent.check) << file.path;
        } else {
          read.unchecked++;
        }
        std::copy(piece.begin(), piece.end(), bytes.begin() + static_cast<ptrdiff_t>(extent.file_offset));
        const std::string label = layout::LabelOfPackKey(key).value_or("");
        read.bytes_of_label[label] += extent.length;
        if (file.path == test::kGoldenChangedPath && label == own_label) read.own_changed_bytes += extent.length;
      }
    }
  }

  void ExpectFiles(const test::GoldenBackup& backup, const ReadFiles& read) {
    size_t stored = 0;
    for (const test::GoldenFile& file : backup.files) {
      if (!file.stored) continue;
      stored++;
      const auto found = read.files.find(file.path);
      ASSERT_NE(found, read.files.end()) << file.path;
      EXPECT_TRUE(found->second == file.bytes) << file.path;
    }
    EXPECT_EQ(read.files.size(), stored);
  }

  // The whole backup, which has the files that it was made with.
  void ReadBack(const test::GoldenBackup& backup, const BackupManifest*& manifest, ReadFiles& read) {
    FileMap map;
    ASSERT_NO_FATAL_FAILURE(Load(backup.label, manifest, map));
    ASSERT_NO_FATAL_FAILURE(Read(manifest->packs, map.frames, map.files, backup.label, read));
    ExpectFiles(backup, read);
  }

  std::unique_ptr<Repository> repository_;
  BackupCatalog catalog_;
};

INSTANTIATE_TEST_SUITE_P(Version1, GoldenIncrement, testing::Bool(), test::GoldenSampleName);

TEST_P(GoldenIncrement, RefersToThePacksOfItsParents) {
  std::set<std::string> labels{test::GoldenBackups().back().label};
  for (const test::GoldenBackup& backup : test::GoldenIncrements()) {
    SCOPED_TRACE(backup.label);
    const BackupManifest* manifest = nullptr;
    ReadFiles read;
    ASSERT_NO_FATAL_FAILURE(ReadBack(backup, manifest, read));
    labels.insert(backup.label);
    EXPECT_EQ(read.bytes_of_label.size(), labels.size());
    for (const auto& [label, bytes] : read.bytes_of_label) EXPECT_TRUE(labels.contains(label)) << label;
    const bool by_pages = backup.change_kind == ChangeKind::kPageLsn;
    EXPECT_EQ(read.unchecked, by_pages ? 3U : 0U) << "parts of extents that the parent stored as a whole";
    EXPECT_EQ(read.own_changed_bytes, (by_pages ? 4U : test::kGoldenChangedBlocks) * kPageSize);
  }
}

TEST_P(GoldenIncrement, ItsPacksKnowTheirBlocks) {
  for (const test::GoldenBackup& backup : test::GoldenIncrements()) {
    SCOPED_TRACE(backup.label);
    const BackupManifest* manifest = nullptr;
    FileMap map;
    ASSERT_NO_FATAL_FAILURE(Load(backup.label, manifest, map));
    std::vector<BlockChecks> checks;
    for (const PackEntry& pack : manifest->packs) {
      auto loaded = BlockChecks::Load(*repository_, pack, ctx_);
      ASSERT_TRUE(loaded.ok()) << loaded.status().ToString();
      // Packs need not have any: those of the full backups do not.
      const bool of_full = pack.key.starts_with(layout::DataPrefix(test::GoldenBackups().back().label));
      EXPECT_EQ(loaded.value().empty(), of_full) << pack.key;
      checks.push_back(std::move(loaded).value());
    }
    int proven = 0;
    for (const MappedFile& file : map.files) {
      const auto expected = std::find_if(backup.files.begin(), backup.files.end(),
                                         [&](const test::GoldenFile& each) { return each.path == file.path; });
      ASSERT_NE(expected, backup.files.end()) << file.path;
      for (const Extent& extent : file.extents) {
        const MappedFrame& frame = map.frames[extent.frame];
        if (checks[frame.pack].empty() || extent.length % kPageSize != 0) continue;
        const ByteView all(expected->bytes);
        const ByteView bytes = all.subspan(extent.file_offset, extent.length);
        EXPECT_TRUE(checks[frame.pack].Prove(frame.ref, extent.frame_offset, bytes)) << file.path;
        Bytes wrong(bytes.begin(), bytes.end());
        wrong.back() ^= 1;
        EXPECT_FALSE(checks[frame.pack].Prove(frame.ref, extent.frame_offset, wrong)) << file.path;
        proven++;
      }
    }
    EXPECT_GE(proven, 7);
  }
}

// One that took pages as unchanged by their LSNs without data checksums, and what builds on it, whatever its own
// source.
TEST_P(GoldenIncrement, WhatIsDoubtedIsToldAndNotBuiltUpon) {
  std::set<std::string> doubted;
  for (const test::GoldenBackup& backup : test::GoldenDoubtedIncrements()) {
    SCOPED_TRACE(backup.label);
    doubted.insert(backup.label);
    const BackupManifest* manifest = nullptr;
    ReadFiles read;
    ASSERT_NO_FATAL_FAILURE(ReadBack(backup, manifest, read));
    EXPECT_NE(DescribePageLsnDoubt(catalog_, *manifest), "");
    ExpectDoubtIsTold(*manifest);
  }
  std::vector<std::string> passed_over;
  for (const BackupManifest* candidate :
       ParentCandidates(catalog_, BackupType::kIncr, TimelineHistory::Root({1}), passed_over))
    EXPECT_FALSE(doubted.contains(candidate->label)) << candidate->label;
  EXPECT_EQ(passed_over.size(), doubted.size() + catalog_.expiring.size() + 1) << "and the one of another timeline";
}

TEST_P(GoldenIncrement, AResumedBackupRefersToWhatTheInterruptedOneStored) {
  const test::GoldenBackup backup = test::GoldenResumedBackup();
  const BackupManifest* manifest = nullptr;
  ReadFiles read;
  ASSERT_NO_FATAL_FAILURE(ReadBack(backup, manifest, read));
  const std::string interrupted = test::GoldenInterruptedBackup().label;
  EXPECT_GE(read.bytes_of_label[interrupted], 257 * kPageSize);
  EXPECT_GT(read.bytes_of_label[backup.label], 0U);
  EXPECT_EQ(read.bytes_of_label.size(), 2U);
  EXPECT_EQ(manifest->annotations.at("resumed from"), interrupted);
}

TEST_P(GoldenIncrement, TheRecordOfAFailedBackupIsReadBack) {
  const auto failures = LoadBackupFailures(*repository_, ctx_);
  ASSERT_TRUE(failures.ok()) << failures.status().ToString();
  EXPECT_EQ(failures.value(), std::vector<BackupFailure>{test::GoldenFailure()});
}

TEST_P(GoldenIncrement, ResultsOfVerificationsAreReadBack) {
  const auto records = LoadVerifyRecords(*repository_, ctx_);
  ASSERT_TRUE(records.ok()) << records.status().ToString();
  ASSERT_EQ(records.value().results.size(), 1U);
  EXPECT_EQ(EncodeRecord(records.value().results[0]), EncodeRecord(test::GoldenResult()));
  ASSERT_EQ(records.value().unfinished.size(), 1U);
  EXPECT_EQ(EncodeRecord(records.value().unfinished[0]), EncodeRecord(test::GoldenProgress()));
  EXPECT_EQ(FindStandingDamage(records.value().results, "20260522-090014F", 0, DamageOf::kFiles).count, 1U);
}

TEST_P(GoldenIncrement, PinsAreReadBack) {
  ASSERT_EQ(catalog_.pins.size(), test::GoldenPins().size());
  for (const test::GoldenPin& expected : test::GoldenPins()) {
    SCOPED_TRACE(expected.label);
    ASSERT_TRUE(catalog_.pins.contains(expected.label));
    const BackupPin& pin = catalog_.pins.at(expected.label);
    EXPECT_TRUE(pin.readable) << pin.reason;
    EXPECT_EQ(pin.label, expected.label);
    EXPECT_EQ(pin.reason, expected.reason);
    EXPECT_EQ(pin.pinned_by, expected.pinned_by);
    EXPECT_EQ(pin.pinned_micros, expected.pinned_micros);
    EXPECT_EQ(pin.until_micros, expected.until_micros);
    EXPECT_TRUE(pin.HoldsAt(1779546400000002));
    EXPECT_EQ(pin.HoldsAt(1779546400000003), expected.until_micros == 0);
  }
}

TEST_P(GoldenIncrement, TheExpireMarkIsReadBack) {
  EXPECT_EQ(catalog_.expiring, std::set<std::string>{test::kGoldenMarkedLabel});
  EXPECT_NE(catalog_.Find(test::kGoldenMarkedLabel), nullptr) << "a mark takes nothing away";
  const auto kManifest = layout::BackupObject::kManifest;
  EXPECT_EQ(CheckNotExpiring(*repository_, test::kGoldenMarkedLabel, kManifest, ctx_).code(), Code::kConflict);
  for (const test::GoldenBackup& backup : test::GoldenIncrements())
    EXPECT_TRUE(CheckNotExpiring(*repository_, backup.label, kManifest, ctx_).ok()) << backup.label;
  const std::string key = layout::BackupKey(test::kGoldenMarkedLabel, layout::BackupObject::kExpireMark);
  const auto plain = repository_->ReadObject(ObjectKind::kExpireMark, key, 1u << 16, ctx_);
  ASSERT_TRUE(plain.ok()) << plain.status().ToString();
  const auto document = ParseJsonObject(AsText(plain.value()), "mark");
  ASSERT_TRUE(document.ok()) << document.status().ToString();
  const JsonFields fields(document.value(), "mark");
  uint64_t version = 0;
  int64_t micros = 0;
  std::string label, by;
  EXPECT_TRUE(fields.Unsigned("pg_pitr_expire", version).ok());
  EXPECT_TRUE(fields.Signed("marked_micros", micros).ok());
  EXPECT_TRUE(fields.Text("label", label).ok());
  EXPECT_TRUE(fields.Text("marked_by", by).ok());
  EXPECT_EQ(version, 1U);
  EXPECT_EQ(micros, test::kGoldenMarkedMicros);
  EXPECT_EQ(label, test::kGoldenMarkedLabel);
  EXPECT_EQ(by, test::kGoldenMarkedBy);
}

TEST_P(GoldenIncrement, TheMarkOfABackupKeptAloneIsReadBack) {
  EXPECT_EQ(catalog_.alone, std::set<std::string>{test::kGoldenAloneLabel});
  const auto mark = ReadMark(*repository_, test::kGoldenAloneLabel, layout::BackupObject::kAloneMark, ctx_);
  ASSERT_TRUE(mark.ok() && mark.value().has_value());
  EXPECT_EQ(mark.value()->marked_micros, test::kGoldenAloneMicros);
  EXPECT_EQ(mark.value()->marked_by, test::kGoldenMarkedBy);
}

TEST_P(GoldenIncrement, WhatWasSaidLastOfATimelineIsReadBack) {
  const auto asides = LoadTimelineAsides(*repository_, ctx_);
  ASSERT_TRUE(asides.ok());
  ASSERT_EQ(asides.value().size(), 1u);
  const TimelineAside& aside = asides.value().at({test::kGoldenAsideTimeline});
  EXPECT_FALSE(aside.aside);
  EXPECT_EQ(aside.by, test::kGoldenAsideBy);
  EXPECT_EQ(aside.micros, test::kGoldenBackMicros);
}

TEST_P(GoldenIncrement, TheNumberOfATimelineIsReadBack) {
  const std::string key = layout::NumberKey({test::kGoldenTakenAfter.value + 1});
  EXPECT_EQ(key, "number/0000000a");
  EXPECT_EQ(layout::ParseNumberKey(key)->value, 10U);
  EXPECT_FALSE(layout::ParseNumberKey("number/0000000A"));
  const auto content = repository_->ReadObject(ObjectKind::kTimelineNumber, key, 65536, OpContext());
  ASSERT_TRUE(content.ok()) << content.status().ToString();
  EXPECT_NE(AsText(content.value()).find("pg_pitr_timeline"), std::string::npos);
}

TEST_P(GoldenIncrement, TheHoldOfARestoreIsReadBack) {
  ASSERT_EQ(catalog_.holds.size(), 1u);
  const RestoreHold& hold = catalog_.holds[0];
  EXPECT_TRUE(hold.readable);
  EXPECT_EQ(hold.label, test::kGoldenHeldLabel);
  EXPECT_EQ(hold.held_by, test::kGoldenHeldBy);
  EXPECT_EQ(hold.lasts_micros, test::kGoldenHoldMicros);
}

TEST_P(GoldenIncrement, PartialMapsGiveTheFilesOfAnInterruptedBackup) {
  const test::GoldenBackup expected = test::GoldenInterruptedBackup();
  const auto unfinished = std::find_if(catalog_.unfinished.begin(), catalog_.unfinished.end(),
                                       [&](const UnfinishedBackup& each) { return each.label == expected.label; });
  ASSERT_NE(unfinished, catalog_.unfinished.end());
  EXPECT_TRUE(unfinished->problem.ok());
  EXPECT_EQ(unfinished->started_micros, expected.start_micros);
  EXPECT_EQ(unfinished->started_by, test::kGoldenStartedBy);
  EXPECT_EQ(unfinished->parent_label, "");
  EXPECT_EQ(unfinished->partial_packs, (std::vector<uint32_t>{1, 2}));
  uint64_t bytes = 0;  // of all files but the control file, which is copied apart
  for (const test::GoldenFile& file : expected.files) bytes += file.path == kControlFilePath ? 0 : file.bytes.size();
  ReadFiles read;
  for (const uint32_t pack : unfinished->partial_packs) {
    const auto map = ReadPartialMap(*repository_, expected.label, pack, ctx_);
    ASSERT_TRUE(map.ok()) << map.status().ToString();
    EXPECT_EQ(map.value().pack.key, layout::PackKey(expected.label, pack));
    EXPECT_EQ(map.value().header.level, static_cast<uint64_t>(expected.compression_level));
    EXPECT_EQ(map.value().header.database_bytes, bytes);
    const auto stored = repository_->store().Stat(map.value().pack.key, ctx_);
    ASSERT_TRUE(stored.ok()) << stored.status().ToString();
    EXPECT_EQ(map.value().header.pack_bytes, stored.value().size);
    ASSERT_NO_FATAL_FAILURE(Read({map.value().pack}, map.value().frames, map.value().files, expected.label, read));
  }
  EXPECT_EQ(read.unchecked, 0U);
  // A file without bytes lies in no pack.
  test::GoldenBackup with_bytes = expected;
  std::erase_if(with_bytes.files, [](const test::GoldenFile& file) { return file.bytes.empty(); });
  ExpectFiles(with_bytes, read);
}

}  // namespace
}  // namespace pitr
