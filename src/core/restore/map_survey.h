// What a restore has to know of all files of a backup before it writes anything, from one reading of the file map.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "core/repo/manifest.h"
#include "core/restore/backup_map.h"
#include "core/restore/cluster_tree.h"
#include "core/restore/tree_content.h"

namespace pitr {

// Memory: something for each directory, and for each file that is not the server's.
struct MapSurvey {
  TreeContent content;
  std::vector<MappedFile> own;  // that are not the server's; what frames their extents lie in is not said
  // Bytes to be written below each directory, beyond what its files have now.
  std::map<std::string, uint64_t> to_write;
  uint64_t files = 0;
  uint64_t bytes = 0;  // of all extents

  // `tree` is as it was found. kCorruption: a file in a tablespace that CheckTablespacePath refuses, no control file;
  // errors of reading the map.
  static Result<MapSurvey> Of(const BackupMap& map, const BackupManifest& backup, const ClusterTree& tree,
                              const OpContext& ctx);
};

}  // namespace pitr
