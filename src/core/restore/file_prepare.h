// Makes every file of a map exist with its size and mode, and finds out which extents must be fetched: those whose
// bytes on disk do not have the checksum in the map. Files are compared by several threads; each file by one.
#pragma once
#include <atomic>
#include <vector>

#include "core/base/progress.h"
#include "core/repo/maps/file_map.h"
#include "core/restore/cluster_tree.h"
#include "core/restore/written_files.h"

namespace pitr {

// An extent to be fetched: indexes into the map.
struct NeededExtent {
  uint32_t file = 0;
  uint32_t extent = 0;
  bool held = false;  // the file had bytes there already: some of them may be right
};

struct PreparedFiles {
  std::vector<NeededExtent> needed;  // ascending by place of the frame: pack, then offset in it
  std::vector<uint32_t> changed;     // files that were created, resized, given modes, or had gaps to be cleared
  uint64_t files = 0;                // that were looked at
  uint64_t bytes_compared = 0;       // read from disk and checked
};

// A file that cannot be written, has other names elsewhere (hard links), or is another user's is replaced by a file of
// our own with its bytes.
//
// Raises `progress.bytes_done` by what is right already and files_done by files that need nothing. An extent without a
// checksum is needed, right or not: see block_proof.h. A file `skip`
// accepts is left alone. kConflict when something that is not a regular file is in the way; FileError.
//
// What is compared is what the disk has: a file is synced and dropped from memory first, for what a server, a copy or
// an interrupted restore wrote may never have got there, without anybody being told again. What was changed goes to
// `files`, to be synced.
Result<PreparedFiles> PrepareFiles(const ClusterTree& tree, const FileMap& map,
                                   const std::function<bool(const MappedFile&)>& skip, WrittenFiles& files, int jobs,
                                   Progress& progress, const OpContext& ctx);

}  // namespace pitr
