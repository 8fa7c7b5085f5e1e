#include "lib/golden_increments.h"

#include <algorithm>

#include "core/pg/control.h"
#include "core/pg/page.h"
#include "lib/golden_content.h"

namespace pitr::test {
namespace {

constexpr int64_t kMinute = int64_t{60} * 1000000;

auto Seek(std::vector<GoldenFile>& files, const std::string& path) {
  return std::find_if(files.begin(), files.end(), [&](const GoldenFile& file) { return file.path == path; });
}

void Drop(std::vector<GoldenFile>& files, const std::string& path) { files.erase(Seek(files, path)); }

void Put(std::vector<GoldenFile>& files, const std::string& path, Bytes bytes) {
  const auto at = Seek(files, path);
  if (at == files.end()) {
    files.push_back({path, std::move(bytes)});
  } else {
    at->bytes = std::move(bytes);
  }
}

// Puts `pages` at block `block` of the file, which grows if it must.
void Overwrite(std::vector<GoldenFile>& files, const std::string& path, uint32_t block, const Bytes& pages) {
  Bytes& bytes = Seek(files, path)->bytes;
  const size_t from = size_t{block} * kPageSize;
  bytes.resize(std::max(bytes.size(), from + pages.size()));
  std::copy(pages.begin(), pages.end(), bytes.begin() + static_cast<ptrdiff_t>(from));
}

std::string InTablespace() { return "pg_tblspc/" + std::to_string(kGoldenTablespaceOid) + "/PG_15_202209061/5/30000"; }

// What the file backup_label says, at a start in segment 4.
std::string LabelText(uint64_t start_lsn, const char* time, const char* number) {
  return "START WAL LOCATION: " + Lsn{start_lsn}.ToString() +
         " (file 000000010000000000000004)\nCHECKPOINT LOCATION: " + Lsn{start_lsn + 0x38}.ToString() +
         "\nBACKUP METHOD: streamed\nBACKUP FROM: primary\nSTART TIME: 2026-05-22 " + time +
         " UTC\nLABEL: golden \xE9 " + number + "\nSTART TIMELINE: 1\n";
}

// One of the same files so far, later than `from`.
GoldenBackup After(const GoldenBackup& from, const char* label, uint64_t start_lsn, int minutes_later) {
  GoldenBackup backup = from;
  backup.label = label;
  backup.compression_level = 3;
  backup.start_lsn = start_lsn;
  backup.checkpoint_lsn = start_lsn + 0x38;
  backup.stop_lsn = start_lsn + 0xD8;
  backup.start_micros += minutes_later * kMinute;
  backup.stop_micros += minutes_later * kMinute;
  return backup;
}

GoldenBackup BuildOn(const GoldenBackup& parent, const char* label, BackupType type, ChangeKind change_kind,
                     uint64_t start_lsn, int minutes_later) {
  GoldenBackup backup = After(parent, label, start_lsn, minutes_later);
  backup.parent_label = parent.label;
  backup.type = type;
  backup.chain_length++;
  backup.change_kind = change_kind;
  return backup;
}

GoldenBackup Differential() {
  GoldenBackup backup =
      BuildOn(GoldenBackups().back(), "20260522-120000D", BackupType::kDiff, ChangeKind::kFullRead, 0x400028, 180);
  backup.backup_label =
      "START WAL LOCATION: 0/400028 (file 000000010000000000000004)\nCHECKPOINT LOCATION: 0/400060\n"
      "BACKUP METHOD: streamed\nBACKUP FROM: primary\nSTART TIME: 2026-05-22 12:00:14 UTC\nLABEL: golden \xE9 2\n"
      "START TIMELINE: 1\n";
  std::vector<GoldenFile>& files = backup.files;
  Put(files, "postgresql.conf", GoldenText("shared_buffers = 256MB\n"));
  Put(files, "base/5/16387", GoldenPages(0, 1, 187, kGoldenFirstChangesLsn));  // was empty
  Overwrite(files, InTablespace(), 1, GoldenPages(1, 1, 130, kGoldenFirstChangesLsn));
  Put(files, kGoldenChangedPath, GoldenPages(0, kGoldenChangedBlocks, 40, kGoldenFirstChangesLsn));
  Put(files, "base/5/16401", Bytes(size_t{40} * kPageSize));  // data in the middle only
  Overwrite(files, "base/5/16401", 20, GoldenPages(20, 1, 41, kGoldenFirstChangesLsn));
  Put(files, "pg_xact/0000", GoldenNoise(5000, 9));
  Drop(files, "base/5/16388_vm");
  return backup;
}

GoldenBackup Incremental(const GoldenBackup& parent) {
  GoldenBackup backup = BuildOn(parent, "20260522-123000I", BackupType::kIncr, ChangeKind::kPageLsn, 0x400228, 30);
  backup.backup_label =
      "START WAL LOCATION: 0/400228 (file 000000010000000000000004)\nCHECKPOINT LOCATION: 0/400260\n"
      "BACKUP METHOD: streamed\nBACKUP FROM: primary\nSTART TIME: 2026-05-22 12:30:14 UTC\nLABEL: golden \xE9 3\n"
      "START TIMELINE: 1\n";
  std::vector<GoldenFile>& files = backup.files;
  Overwrite(files, kGoldenChangedPath, kGoldenChangedBlock,
            GoldenPages(kGoldenChangedBlock, 1, 140, kGoldenSecondChangesLsn));
  Overwrite(files, kGoldenChangedPath, kGoldenChangedBlocks,
            GoldenPages(kGoldenChangedBlocks, 3, 141, kGoldenSecondChangesLsn));
  Overwrite(files, InTablespace(), 0, GoldenPages(0, 1, 230, kGoldenSecondChangesLsn));
  Seek(files, "base/5/16401")->bytes.resize(size_t{30} * kPageSize);  // truncated
  Put(files, "base/5/16403", GoldenPages(0, 2, 43, kGoldenSecondChangesLsn));
  Drop(files, "base/5/16387");
  return backup;
}

}  // namespace

std::vector<GoldenBackup> GoldenDoubtedIncrements() {
  GoldenBackup doubted =
      BuildOn(GoldenIncrements().back(), "20260522-143000I", BackupType::kIncr, ChangeKind::kPageLsn, 0x400428, 120);
  doubted.data_checksums = false;
  doubted.backup_label = LabelText(doubted.start_lsn, "14:30:14", "4");
  Overwrite(doubted.files, "base/5/16403", 1, GoldenPages(1, 1, 243, kGoldenThirdChangesLsn));
  GoldenBackup on_it = BuildOn(doubted, "20260522-150000I", BackupType::kIncr, ChangeKind::kFullRead, 0x400628, 30);
  on_it.backup_label = LabelText(on_it.start_lsn, "15:00:14", "5");
  Put(on_it.files, "postgresql.conf", GoldenText("shared_buffers = 512MB\n"));
  return {doubted, on_it};
}

GoldenBackup GoldenResumedBackup() {
  GoldenBackup backup = After(GoldenBackups().back(), "20260522-153000F", 0x400828, 390);
  backup.backup_label = LabelText(backup.start_lsn, "15:30:14", "6");
  for (const GoldenFile& file : GoldenInterruptedBackup().files) Put(backup.files, file.path, file.bytes);
  return backup;
}

GoldenBackup GoldenBackupWithSettings() {
  GoldenBackup backup = After(GoldenBackups().back(), "20260522-160000F", 0x600028, 420);
  backup.timeline = 2;
  backup.history = "1\t0/500100\tno recovery target specified\n";
  backup.settings = {{"port", "5433"}, {"primary_conninfo", std::nullopt}, {"work_mem", "'\u00e9'"}};
  backup.backup_label = LabelText(backup.start_lsn, "16:00:14", "7");
  return backup;
}

std::vector<GoldenBackup> GoldenFinishedBackups() {
  std::vector<GoldenBackup> backups = GoldenBackups();
  for (const auto& more : {GoldenIncrements(), GoldenDoubtedIncrements()})
    backups.insert(backups.end(), more.begin(), more.end());
  backups.push_back(GoldenResumedBackup());
  backups.push_back(GoldenBackupWithSettings());
  return backups;
}

std::vector<GoldenBackup> GoldenIncrements() {
  const GoldenBackup differential = Differential();
  return {differential, Incremental(differential)};
}

GoldenBackup GoldenInterruptedBackup() {
  GoldenBackup backup{"20260522-130000F", 3, {}};
  backup.start_lsn = 0x600028;
  backup.start_micros += 240 * kMinute;
  std::vector<GoldenFile> files = GoldenBackups().back().files;
  for (const char* path : {"PG_VERSION", kControlFilePath, "base/5/16387", "caf\xE9/\xFF\xFE"})
    backup.files.push_back(*Seek(files, path));
  Put(backup.files, "base/5/16384", GoldenPages(0, 257, 184));
  Put(backup.files, "pg_xact/0000", GoldenNoise(5000, 10));
  return backup;
}

}  // namespace pitr::test
