// What of a data directory belongs in a base backup: directories, files with their sizes, links of tablespaces. The
// server may be running: what vanishes meanwhile has been dropped, and WAL says so.
#pragma once
#include <string>
#include <vector>

#include "core/base/log.h"
#include "core/repo/file_map.h"
#include "core/repo/manifest.h"

namespace pitr {

struct DataDirectory {
  std::string root;                          // without a slash at the end
  std::vector<MappedDirectory> directories;  // ascending by path, so parents come before children
  std::vector<MappedFile> files;             // ascending by path, without extents and without the control file
  std::vector<MappedLink> links;
  std::vector<TablespaceEntry> tablespaces;
  uint64_t total_bytes = 0;  // of `files`
};

// Lists `root`, following the links of tablespaces (of which only `tablespace_directory`, "PG_15_202209061", is this
// cluster's) and of pg_wal, and leaving out what TreatmentOf() and unlogged relations say. Other links and special
// files are skipped with a warning. kNotFound, kPermission or kUnavailable (I/O), naming the path; kInvalidArgument for
// a path that is too long; kCancelled.
Result<DataDirectory> ScanDataDirectory(const std::string& root, const std::string& tablespace_directory, Log& log,
                                        const OpContext& ctx);

}  // namespace pitr
