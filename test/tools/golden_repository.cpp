// Adds what is missing to the sample repositories of test/golden/repo-v1: pitr_golden_repository DIRECTORY. For a new
// format version (into an empty directory), or a new kind of object in this one; what is there stays as it is.
#include <sys/stat.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "core/backup/backup_session.h"
#include "core/pg/relation_file.h"
#include "core/repo/backup_catalog.h"
#include "core/repo/change_map.h"
#include "core/repo/keyring.h"
#include "core/repo/wal_push.h"
#include "lib/golden_backup.h"
#include "lib/golden_change_map.h"
#include "lib/golden_repository.h"

namespace {

using namespace pitr;
namespace fs = std::filesystem;

std::string WriteFile(const std::string& path, std::string_view bytes, uint32_t mode = 0600) {
  fs::create_directories(fs::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
  chmod(path.c_str(), mode);
  return path;
}

// The data directory as it was when the backup was taken.
void WriteDataDirectory(const std::string& root, const test::GoldenBackup& backup) {
  const std::string space = test::kGoldenTablespacePath;
  fs::remove_all(root);
  fs::remove_all(space);
  for (const std::string& directory : RequiredDirectories(15)) fs::create_directories(root + "/" + directory);
  fs::create_directories(space);
  fs::create_symlink(space, root + "/pg_tblspc/" + std::to_string(test::kGoldenTablespaceOid));
  fs::create_directories(root + "/" + test::kGoldenEmptyDirectory);
  chmod((root + "/" + test::kGoldenEmptyDirectory).c_str(), test::kGoldenEmptyDirectoryMode);
  for (const test::GoldenFile& file : backup.files) WriteFile(root + "/" + file.path, AsText(file.bytes), file.mode);
}

Status TakeBackup(const Repository& repository, const test::GoldenBackup& backup, const std::string& root) {
  const OpContext ctx;
  WriteDataDirectory(root, backup);
  BackupOptions options;
  options.label = backup.label;
  options.annotations = {{"why", "golden \"sample\" \u00e9"}};
  options.jobs = 1;
  options.allow_page_errors = true;
  options.started_by = "golden";
  Progress progress;
  PITR_ASSIGN(const auto session, BackupSession::Begin(repository, options, ctx));
  BackupStart start;
  start.data_directory = root;
  start.start_lsn = {test::kGoldenStartLsn};
  start.timeline = {1};
  start.server_version = "15.18";
  start.data_checksums = true;
  start.start_micros = test::kGoldenStartMicros;
  PITR_TRY(session->CopyFiles(start, progress, ctx));
  BackupStop stop;
  stop.stop_lsn = {test::kGoldenStopLsn};
  stop.stop_timeline = {1};
  stop.stop_micros = test::kGoldenStopMicros;
  stop.backup_label = test::GoldenBackupLabel();
  stop.tablespace_map = std::to_string(test::kGoldenTablespaceOid) + " " + test::kGoldenTablespacePath + "\n";
  return session->Finish(stop, ctx).status();
}

Status AddBackups(Config config, const std::string& root) {
  const OpContext ctx;
  for (const test::GoldenBackup& backup : test::GoldenBackups()) {
    config.compression_level = backup.compression_level;
    config.pack_size_kb = 4;  // several packs, and a pack of several frames
    PITR_ASSIGN(const auto repository, Repository::Open(config, NullLog(), ctx));
    PITR_ASSIGN(const BackupCatalog catalog, BackupCatalog::Load(*repository, ctx));
    if (catalog.Find(backup.label) == nullptr) PITR_TRY(TakeBackup(*repository, backup, root));
    if (!catalog.unfinished.empty()) continue;
    BackupOptions options;
    options.label = test::kGoldenUnfinishedLabel;
    options.started_by = "golden \xE9";
    PITR_ASSIGN([[maybe_unused]] const auto session, BackupSession::Begin(*repository, options, ctx));
  }
  fs::remove_all(root);
  fs::remove_all(test::kGoldenTablespacePath);
  return Status::Ok();
}

Status WriteSample(const std::string& directory, bool encrypted) {
  Config config;
  config.repository = "file://" + directory + (encrypted ? "/encrypted" : "/plain");
  config.cluster_name = "golden";
  config.change_map = "off";  // the segments hold no records
  const std::string scratch = directory + "/scratch";
  if (encrypted) config.passphrase_file = WriteFile(scratch + "/passphrase", test::kGoldenPassphrase + "\n");
  const OpContext ctx;
  const bool is_new = !fs::exists(directory + (encrypted ? "/encrypted" : "/plain") + "/pg_pitr.marker");
  PITR_ASSIGN(const auto repository, Repository::OpenOrCreate(config, test::kGoldenCluster, NullLog(), ctx));
  if (encrypted && is_new) {
    PITR_ASSIGN([[maybe_unused]] const KeySlot slot, AddPassphrase(*repository, test::kGoldenSecondPassphrase, ctx));
  }
  for (const test::GoldenWal& wal : test::GoldenWalFiles()) {
    const std::string path = WriteFile(scratch + "/" + wal.name, AsText(wal.bytes));
    PITR_ASSIGN([[maybe_unused]] const WalPushResult pushed, PushWalFile(*repository, wal.name, path, ctx));
  }
  PITR_TRY(StoreChangeMap(*repository, test::kGoldenMapSegment, test::GoldenChangeMap(), ctx));
  PITR_TRY(AddBackups(config, scratch + "/data"));
  fs::remove_all(scratch);
  return Status::Ok();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: pitr_golden_repository DIRECTORY\n");
    return 2;
  }
  for (bool encrypted : {false, true}) {
    const pitr::Status status = WriteSample(argv[1], encrypted);
    if (status.ok()) continue;
    fprintf(stderr, "%s\n", status.ToString().c_str());
    return 1;
  }
  return 0;
}
