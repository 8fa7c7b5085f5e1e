// What is known of a backup that failed: it leaves no manifest, and often not even a label. Kept in the repository
// (docs/format.md, section 10), and while that cannot be reached in a file of the data directory, from where the next
// backup moves it. The newest kFailuresKept are kept in either place. Any thread.
#pragma once
#include <string>
#include <vector>

#include "core/repo/repository.h"

namespace pitr {

inline constexpr const char* kBackupFailuresFile = "pg_pitr.backup_failures";
inline constexpr size_t kFailuresKept = 20;

struct BackupFailure {
  std::string label;  // empty when none was reserved or asked for
  std::string type;   // asked for: "full", "diff", "incr"
  int64_t started_micros = 0;
  int64_t ended_micros = 0;
  std::string phase;     // what it was at: "copying files"; empty: it was refused before it began
  std::string sqlstate;  // "53100"
  std::string message;
  std::string detail;
  std::string hint;
  std::string requested_by;  // role
  std::string by;            // host and process
  bool operator==(const BackupFailure&) const = default;
};

// A sentence: what happened, and who had asked for it.
std::string DescribeFailure(const BackupFailure& failure);

std::string EncodeFailure(const BackupFailure& failure);
// kCorruption naming the field; kInvalidArgument for a newer version.
Result<BackupFailure> DecodeFailure(std::string_view json);

// Errors as ObjectStore::Create. That older ones cannot be deleted is no error.
Status StoreBackupFailure(const Repository& repository, const BackupFailure& failure, const OpContext& ctx);
// Ascending by end. One that cannot be read is left out with a line in the log.
Result<std::vector<BackupFailure>> LoadBackupFailures(const Repository& repository, const OpContext& ctx);

// The file in the data directory. One that is not there is empty; lines that cannot be read are left out.
Status KeepBackupFailure(const std::string& data_directory, const BackupFailure& failure);
Result<std::vector<BackupFailure>> KeptBackupFailures(const std::string& data_directory);
// Stores what the file has, and removes it.
Status MoveBackupFailures(const std::string& data_directory, const Repository& repository, const OpContext& ctx);

}  // namespace pitr
