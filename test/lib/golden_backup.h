// The data directory whose backups are in test/golden/repo-v1, and what those backups say. Written once by
// test/tools/golden_repository.cpp, restored by every later version; so new backups may be added here, and what is
// there never changes.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "core/base/bytes.h"
#include "core/repo/manifest.h"

namespace pitr::test {

struct GoldenFile {
  std::string path;  // in the data directory; of a tablespace's files below pg_tblspc/<oid>/
  Bytes bytes;
  uint32_t mode = 0600;
  bool stored = true;  // false: it was there, but belongs in no backup
};

inline constexpr const char* kGoldenUnfinishedLabel = "20260522-110000F";  // has a start object only
inline constexpr const char* kGoldenStartedBy = "golden \xE9";             // of that and of interrupted ones
// The empty directory, with a mode of its own, of both backups.
inline constexpr const char* kGoldenEmptyDirectory = "pg_custom/empty";
inline constexpr uint32_t kGoldenEmptyDirectoryMode = 0750;
// One tablespace is elsewhere, under a name that is not UTF-8; the other in place.
inline constexpr const char* kGoldenTablespacePath = "/tmp/pg_pitr golden space \xE9";
inline constexpr uint32_t kGoldenTablespaceOid = 16400;
inline constexpr uint32_t kGoldenInPlaceOid = 16401;
// A page of this file fails its checksum, which was allowed.
inline constexpr const char* kGoldenBadPagePath = "base/5/16390";
inline constexpr uint32_t kGoldenBadPageBlock = 1;

inline constexpr uint64_t kGoldenStartLsn = 0x100028;  // in segment 1
inline constexpr uint64_t kGoldenStopLsn = 0x200100;   // in segment 2
inline constexpr int64_t kGoldenStartMicros = 1779440414000000;
inline constexpr int64_t kGoldenStopMicros = 1779440514000000;
std::string GoldenBackupLabel();  // the content of the file backup_label

struct GoldenBackup {
  std::string label;
  int compression_level = 0;
  std::vector<GoldenFile> files;
  BackupType type = BackupType::kFull;
  std::string parent_label;  // of increments, as the next two
  uint32_t chain_length = 1;
  ChangeKind change_kind = ChangeKind::kFullRead;
  uint64_t start_lsn = kGoldenStartLsn;
  uint64_t checkpoint_lsn = 0x100060;
  uint64_t stop_lsn = kGoldenStopLsn;
  int64_t start_micros = kGoldenStartMicros;
  int64_t stop_micros = kGoldenStopMicros;
  std::string backup_label = GoldenBackupLabel();
  bool data_checksums = true;
  uint32_t timeline = 1;
  std::string history;  // of that
  std::vector<ServerSetting> settings;
};

// The first is of the whole directory, compressed; the second of its smaller files only, not compressed.
std::vector<GoldenBackup> GoldenBackups();

}  // namespace pitr::test
