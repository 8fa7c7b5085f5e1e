// Restores the files of a backup: window by window of the file map they are compared with what is on disk, and what
// differs is fetched and written.
#pragma once
#include <functional>

#include "core/base/progress.h"
#include "core/restore/backup_map.h"
#include "core/restore/cluster_tree.h"
#include "core/restore/written_files.h"

namespace pitr {

struct FileCopyRequest {
  const Repository& repository;
  const BackupManifest& backup;
  const BackupMap& map;
  const ClusterTree& tree;                                 // with all directories
  const std::function<bool(const std::string&)>& is_left;  // whether the file of a path is not to be touched
  int jobs = 1;
  Progress& progress;
};

struct CopiedTree {
  uint64_t files_same = 0;      // nothing to change or fetch
  uint64_t bytes_compared = 0;  // read from disk and checked
  uint64_t bytes_written = 0;
  uint64_t bytes_fetched = 0;  // stored
  // pg_control, which is not written.
  Bytes control;
  uint32_t control_mode = 0600;
};

// Everything that was written goes to `files`, to be synced. Errors as PrepareFiles, ProveUnchecked, FrameFetcher and
// BackupMap. Memory: a window (map_window.h) with 12 bytes for each extent, kKnownCheckBytes, and what FrameFetcher and
// ProveUnchecked take.
Result<CopiedTree> CopyMappedFiles(const FileCopyRequest& request, WrittenFiles& files, const OpContext& ctx);

}  // namespace pitr
