// Which backups a repository holds. Made by listing backup/ and reading each manifest.
#pragma once
#include <string>
#include <vector>

#include "core/repo/manifest.h"

namespace pitr {

// A backup that has a start object but no manifest: running, or left by a crash.
struct UnfinishedBackup {
  std::string label;
  int64_t started_micros = 0;
  std::string started_by;  // host and process, for the operator
};

struct DamagedBackup {
  std::string label;
  Status status = Status::Ok();  // why its manifest cannot be read
};

struct BackupCatalog {
  std::vector<BackupManifest> backups;       // ascending by stop time
  std::vector<UnfinishedBackup> unfinished;  // ascending by label
  std::vector<DamagedBackup> damaged;

  // An unreadable manifest is listed as damaged, not an error; a store that does not answer is.
  static Result<BackupCatalog> Load(const Repository& repository, const OpContext& ctx);
  const BackupManifest* Find(std::string_view label) const;
};

}  // namespace pitr
