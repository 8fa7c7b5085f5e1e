// Makes a full backup of an increment inside the repository, without the server: a manifest and a list of pages of its
// own that name the same pages of the file map and the same packs. Nothing else is copied or read; the backups it was
// made of may then go, and their packs stay as long as it needs them.
#pragma once
#include <string>

#include "core/repo/manifest.h"

namespace pitr {

struct MergeOptions {
  std::string source;      // label of the backup
  std::string label;       // of the new one; empty: made from the time
  std::string started_by;  // as in BackupOptions
};

// The new backup, which restores to what `source` restores to. kNotFound: there is no such backup; kInvalidArgument: it
// is a full one already; kCorruption: its objects are not all there, or the list of pages is damaged; kAlreadyExists:
// the label is taken. After an error nothing of it is left that a reader could see. Memory: some 400 bytes for each
// page.
Result<BackupManifest> MergeBackup(const Repository& repository, const MergeOptions& options, const OpContext& ctx);

}  // namespace pitr
