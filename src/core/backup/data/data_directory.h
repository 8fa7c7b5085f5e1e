// What of a data directory belongs in a base backup: directories, files with their sizes, links of tablespaces. The
// server may be running: what vanishes meanwhile has been dropped, and WAL says so.
#pragma once
#include <set>
#include <string>
#include <vector>

#include "core/base/op_context.h"
#include "core/repo/manifest.h"
#include "core/repo/maps/file_map.h"

namespace pitr {

struct DataDirectory {
  std::string root;                          // without a slash at the end
  std::vector<MappedDirectory> directories;  // ascending by path, so parents come before children
  std::vector<MappedFile> files;             // ascending by path, without extents and without the control file
  std::vector<MappedLink> links;
  std::vector<TablespaceEntry> tablespaces;
  std::vector<FollowedLink> followed;  // ascending by path, and so is `skipped`
  std::vector<SkippedEntry> skipped;
  uint64_t skipped_count = 0;
  std::set<std::string, std::less<>> linked_files;  // those of `files` that are links to be followed
  uint64_t total_bytes = 0;                         // of `files`
};

// Lists `root`, following the links of tablespaces (of which only `tablespace_directory`, "PG_15_202209061", is this
// cluster's) and of pg_wal, and leaving out what TreatmentOf() and unlogged relations say; other links are treated as
// linked_path.h says. What is left out besides is in `skipped`. kNotFound or kUnavailable (I/O), naming the path;
// kPermission or kInvalidArgument: what belongs in a backup and cannot be read or is not there, all of it; kCancelled.
Result<DataDirectory> ScanDataDirectory(const std::string& root, const std::string& tablespace_directory,
                                        const OpContext& ctx);

// Those of `configuration` that are not among the files of `directory`, wherever links lead.
std::vector<OutsideFile> OutsideFiles(const std::vector<OutsideFile>& configuration, const DataDirectory& directory);

// That files without which no cluster starts are in the backup. kConflict.
Status CheckEssentialFiles(const std::vector<MappedFile>& files, const std::vector<bool>& vanished);

}  // namespace pitr
