// Backups written by the first release of the format are restored by every later one, byte by byte.
#include <set>

#include "core/repo/backups/backup_catalog.h"
#include "core/restore/planner.h"
#include "core/restore/restorer.h"
#include "lib/golden_backup.h"
#include "lib/golden_fixture.h"
#include "lib/golden_increments.h"
#include "unit/restore/restore_fixture.h"

namespace pitr {
namespace {

namespace fs = std::filesystem;

class GoldenBackup : public test::GoldenRepositoryTest {
 protected:
  std::string At(const std::string& path) const { return dir_ + "/data/" + path; }

  void Restore(const test::GoldenBackup& backup) {
    auto repository = Open();
    ASSERT_NE(repository, nullptr);
    PlanRequest request;
    request.target.kind = TargetKind::kImmediate;
    request.backup_label = backup.label;
    auto plan = MakeRestorePlan(*repository, request, ctx_);
    ASSERT_TRUE(plan.ok()) << plan.status().ToString();
    EXPECT_EQ(plan.value().wal_segments, backup.start_lsn == test::kGoldenStartLsn ? 2U : 1U);
    RestoreOptions options;
    options.data_directory = dir_ + "/data";
    options.tablespace_map[std::to_string(test::kGoldenTablespaceOid)] = dir_ + "/space";
    options.jobs = 2;
    options.restore_command = "pg_pitr wal-get \"%f\" \"%p\"";
    options.hold.unprotected = true;  // one of them has the mark of an expiry
    Progress progress;
    auto restored = RunRestore(*repository, plan.value(), options, progress, ctx_);
    ASSERT_TRUE(restored.ok()) << restored.status().ToString();
  }

  // Every file with its bytes and mode, and nothing else but what a restore itself writes.
  void ExpectRestored(const test::GoldenBackup& backup) {
    std::set<std::string> known{"backup_label", "tablespace_map", "recovery.signal", "postgresql.auto.conf"};
    for (const test::GoldenFile& file : backup.files) {
      if (!file.stored) continue;
      known.insert(file.path);
      EXPECT_EQ(test::ReadFileText(At(file.path)), AsText(file.bytes)) << file.path;
      struct stat info {};
      ASSERT_EQ(stat(At(file.path).c_str(), &info), 0) << file.path;
      EXPECT_EQ(info.st_mode & 07777, file.mode) << file.path;
    }
    const auto links = fs::directory_options::follow_directory_symlink;
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(dir_ + "/data", links)) {
      if (!entry.is_regular_file()) continue;
      const std::string path = entry.path().lexically_relative(dir_ + "/data").string();
      EXPECT_TRUE((known.contains(path) || path == "pg_pitr.restored")) << path;
    }
    struct stat info {};
    ASSERT_EQ(stat(At(test::kGoldenEmptyDirectory).c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, test::kGoldenEmptyDirectoryMode);
    EXPECT_TRUE(fs::is_empty(At(test::kGoldenEmptyDirectory)));
    EXPECT_EQ(test::ReadFileText(At("backup_label")), backup.backup_label);
    const std::string link = At("pg_tblspc/" + std::to_string(test::kGoldenTablespaceOid));
    EXPECT_EQ(fs::read_symlink(link), dir_ + "/space");
  }
};

INSTANTIATE_TEST_SUITE_P(Version1, GoldenBackup, testing::Bool(), test::GoldenSampleName);

TEST_P(GoldenBackup, ComesBackByteByByte) {
  for (const test::GoldenBackup& backup : test::GoldenFinishedBackups()) {
    SCOPED_TRACE(backup.label);
    ASSERT_NO_FATAL_FAILURE(Restore(backup));
    ExpectRestored(backup);
    fs::remove_all(dir_ + "/data");
    fs::remove_all(dir_ + "/space");
  }
}

TEST_P(GoldenBackup, IsListedAsItWasTaken) {
  auto repository = Open();
  ASSERT_NE(repository, nullptr);
  auto catalog = BackupCatalog::Load(*repository, ctx_);
  ASSERT_TRUE(catalog.ok()) << catalog.status().ToString();
  EXPECT_TRUE(catalog.value().damaged.empty());
  EXPECT_EQ(catalog.value().backups.size(), test::GoldenFinishedBackups().size());
  ASSERT_EQ(catalog.value().unfinished.size(), 2U);
  EXPECT_EQ(catalog.value().unfinished[0].label, test::kGoldenUnfinishedLabel);
  EXPECT_EQ(catalog.value().unfinished[0].started_by, test::kGoldenStartedBy);
  EXPECT_EQ(catalog.value().unfinished[1].label, test::GoldenInterruptedBackup().label);
  for (const test::GoldenBackup& backup : test::GoldenFinishedBackups()) {
    const BackupManifest* manifest = catalog.value().Find(backup.label);
    ASSERT_NE(manifest, nullptr) << backup.label;
    EXPECT_EQ(manifest->type, backup.type);
    EXPECT_EQ(manifest->parent_label, backup.parent_label);
    EXPECT_EQ(manifest->chain_length, backup.chain_length);
    EXPECT_EQ(manifest->change_origin.has_value(), backup.type != BackupType::kFull);
    if (manifest->change_origin) {
      EXPECT_EQ(manifest->change_origin->kind, backup.change_kind);
      EXPECT_EQ(manifest->change_origin->why, "The setting change_source says so.");
    }
    EXPECT_EQ(manifest->cluster.system_id, test::kGoldenCluster.system_id);
    EXPECT_EQ(manifest->start_lsn, Lsn{backup.start_lsn});
    EXPECT_EQ(manifest->checkpoint_lsn, Lsn{backup.checkpoint_lsn});
    EXPECT_EQ(manifest->stop_lsn, Lsn{backup.stop_lsn});
    EXPECT_EQ(manifest->start_micros, backup.start_micros);
    EXPECT_EQ(manifest->stop_micros, backup.stop_micros);
    EXPECT_EQ(manifest->encrypted, GetParam());
    EXPECT_EQ(manifest->data_checksums, backup.data_checksums);
    EXPECT_EQ(manifest->timeline, Timeline{backup.timeline});
    EXPECT_EQ(StopTimeline(*manifest), Timeline{backup.timeline});
    EXPECT_EQ(manifest->history, backup.history);
    ASSERT_EQ(manifest->settings.size(), backup.settings.size());
    for (size_t i = 0; i < backup.settings.size(); i++) {
      EXPECT_EQ(manifest->settings[i].name, backup.settings[i].name);
      EXPECT_EQ(manifest->settings[i].value, backup.settings[i].value);
    }
    EXPECT_EQ(manifest->annotations.at("why"), "golden \"sample\" \u00e9");
    ASSERT_EQ(manifest->tablespaces.size(), 2U);
    EXPECT_EQ(manifest->tablespaces[0].oid, test::kGoldenTablespaceOid);
    EXPECT_EQ(manifest->tablespaces[0].path, test::kGoldenTablespacePath);
    EXPECT_TRUE(manifest->tablespaces[1].in_place);
    ASSERT_EQ(manifest->page_errors.size(), 1U);
    EXPECT_EQ(manifest->page_errors[0].path, test::kGoldenBadPagePath);
    EXPECT_EQ(manifest->page_errors[0].block, test::kGoldenBadPageBlock);
  }
}

}  // namespace
}  // namespace pitr
