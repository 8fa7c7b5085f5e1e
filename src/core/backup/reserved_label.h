// The name of a backup, reserved by its start object so that two backups never share one.
#pragma once
#include <string>
#include <vector>

#include "core/backup/copy/backup_request.h"

namespace pitr {

// "20260522-090014F": the second, in UTC, and the type (F, D, I).
std::string DefaultLabel(int64_t wall_micros, BackupType type);

// Whose objects a backup is going to need.
struct BackupBasis {
  std::string parent;                // label of the backup that this one builds on; empty: none
  std::vector<std::string> resumes;  // of those it takes packs over from
};

// Creates backup/<label>/start and returns the label: the one asked for, or a default one, for which the next free
// second is taken. kAlreadyExists (the one asked for is taken), kInvalidArgument (it is not a label), else as
// Repository::CreateObject.
// `basis` is kept in the start object, so that nobody removes it meanwhile. kConflict when the parent is being removed;
// of interrupted backups the caller must see to that himself.
Result<std::string> ReserveLabel(const Repository& repository, const BackupOptions& options, const BackupBasis& basis,
                                 const OpContext& ctx);

}  // namespace pitr
