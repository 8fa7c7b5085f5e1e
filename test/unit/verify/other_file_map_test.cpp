// A file map that is whole, of the right label and of the right key, and not the one that the manifest was written for:
// every reader must refuse it before anything comes of it.
#include "core/backup/merge.h"
#include "core/repo/maps/file_map.h"
#include "core/report/verify_report.h"
#include "unit/verify/verify_fixture.h"

namespace pitr {
namespace {

class OtherFileMapTest : public test::VerifyFixture, public testing::WithParamInterface<bool> {
 protected:
  void SetUp() override {
    compression_level_ = 0;  // so that maps of as many characters have the same size
    ASSERT_NO_FATAL_FAILURE(Make(GetParam()));
    full_ = plan_.backup;
    increment_ = Take(BackupType::kIncr).value();
    ASSERT_EQ(increment_.type, BackupType::kIncr);
  }
  Result<std::unique_ptr<BackupSession>> Begin(BackupType type) {
    BackupOptions options;
    options.type = type;
    options.timeline = Timeline{1};
    options.data_directory = tree_.root();
    return BackupSession::Begin(*repo_.repository, options, OpContext());
  }
  Result<BackupManifest> Take(BackupType type) {
    PITR_ASSIGN(const auto session, Begin(type));
    BackupStart start = tree_.Start();
    start.start_lsn = {0x7100028};
    Progress progress;
    PITR_TRY(session->CopyFiles(start, progress, OpContext()));
    BackupStop stop = tree_.Stop();
    stop.stop_lsn = {0x7200000};
    stop.stop_micros += 1000000;
    stop.backup_label = full_.backup_label;
    return session->Finish(stop, OpContext());
  }
  // Puts `map` in the place of the backup's, as its own writer would have written it.
  // `packs`: those that the map refers to.
  void PutInPlace(const BackupManifest& manifest, const std::vector<PackEntry>& packs, const FileMap& map) {
    const std::string& label = manifest.label;
    std::vector<std::string> keys{layout::BackupKey(label, layout::BackupObject::kFiles)};
    for (uint32_t number = 1; number < 10; number++) keys.push_back(layout::MapPageKey(label, number));
    ASSERT_TRUE(memory_.Delete(keys, OpContext()).ok());
    const auto written = WriteFileMap(*repo_.repository, label, packs, map, OpContext());
    ASSERT_TRUE(written.ok()) << written.status().ToString();
  }
  FileMap MapOf(const BackupManifest& manifest) {
    auto map = ReadFileMap(*repo_.repository, manifest, OpContext());
    EXPECT_TRUE(map.ok()) << map.status().ToString();
    return map.ok() ? std::move(map).value() : FileMap();
  }
  // The map as it was when another backup had this label: one file is not what it is now. Neither its size nor its
  // number of files tells.
  void PutOlderInPlace(const BackupManifest& manifest) {
    FileMap map = MapOf(manifest);
    const auto file = std::find_if(map.files.begin(), map.files.end(),
                                   [](const MappedFile& each) { return each.path == "base/5/16385"; });
    ASSERT_NE(file, map.files.end());
    file->mode ^= 1;
    PutInPlace(manifest, manifest.packs, map);
  }
  void ExpectNamed(const Status& status, const std::string& label) {
    EXPECT_EQ(status.code(), Code::kCorruption) << status.ToString();
    EXPECT_NE(status.message().find("backup/" + label + "/files"), std::string::npos) << status.ToString();
    EXPECT_NE(status.message().find("the manifest of backup \"" + label + "\""), std::string::npos);
    EXPECT_NE(status.hint(), "");
  }
  void ExpectNotRestored(const BackupManifest& backup) {
    plan_.backup = backup;
    auto result = Run();
    ASSERT_FALSE(result.ok());
    ExpectNamed(result.status(), backup.label);
    EXPECT_FALSE(std::filesystem::exists(options_.data_directory));
  }

  BackupManifest full_;
  BackupManifest increment_;
};
INSTANTIATE_TEST_SUITE_P(PlainAndEncrypted, OtherFileMapTest, testing::Bool());

TEST_P(OtherFileMapTest, IsNotRestoredFrom) {
  PutOlderInPlace(full_);
  ExpectNotRestored(full_);
  PutOlderInPlace(increment_);
  ExpectNotRestored(increment_);
}

TEST_P(OtherFileMapTest, IsNotRestoredFromWhenItIsAnotherBackups) {
  const FileMap full = MapOf(full_);
  PutInPlace(full_, increment_.packs, MapOf(increment_));
  PutInPlace(increment_, full_.packs, full);
  ExpectNotRestored(increment_);
  ExpectNotRestored(full_);
}

TEST_P(OtherFileMapTest, IsFoundByEveryVerification) {
  PutOlderInPlace(full_);
  for (const VerifyOptions& options : {VerifyOptions(), Quick(), Sample(1)}) {
    const VerifyReport report = MustVerify(options);
    EXPECT_EQ(report.outcome(), VerifyOutcome::kDamage);
    const Finding* finding = Find(report, MapKey());
    ASSERT_NE(finding, nullptr) << VerifyText(report);
    EXPECT_EQ(finding->labels, std::vector<std::string>{full_.label});
    EXPECT_EQ(report.record.findings.size(), 1U) << VerifyText(report);
  }
}

TEST_P(OtherFileMapTest, IsNotBuiltUpon) {
  PutOlderInPlace(increment_);
  auto other = Begin(BackupType::kIncr);
  ASSERT_TRUE(other.ok()) << other.status().ToString();
  EXPECT_EQ(other.value()->choice().parent->manifest.label, full_.label);
  EXPECT_TRUE(other.value()->choice().warning);
  EXPECT_NE(other.value()->choice().note_detail.find("backup/" + increment_.label + "/files"), std::string::npos);
  PutOlderInPlace(full_);
  auto none = Begin(BackupType::kIncr);
  ASSERT_TRUE(none.ok()) << none.status().ToString();
  EXPECT_EQ(none.value()->choice().type, BackupType::kFull);
}

TEST_P(OtherFileMapTest, IsNotMerged) {
  PutOlderInPlace(increment_);
  auto merged = MergeBackup(*repo_.repository, {increment_.label, "merged", "test"}, OpContext());
  EXPECT_EQ(merged.code(), Code::kCorruption);
  EXPECT_NE(merged.status().ToString().find("backup/" + increment_.label + "/files"), std::string::npos);
  for (const char* object : {"start", "files", "manifest"})
    EXPECT_EQ(memory_.Stat(std::string("backup/merged/") + object, OpContext()).code(), Code::kNotFound) << object;
}

}  // namespace
}  // namespace pitr
