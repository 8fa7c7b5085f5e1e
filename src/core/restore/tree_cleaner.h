// Removes from an existing data directory what a backup does not have, so that nothing of the old cluster is left to
// mislead the new one. Never leaves the tree, never follows a symbolic link, never crosses into another file system.
#pragma once
#include <set>
#include <string>

#include "core/base/op_context.h"
#include "core/repo/file_map.h"
#include "core/restore/cluster_tree.h"

namespace pitr {

// What is to be there, by path.
struct TreeContent {
  std::set<std::string, std::less<>> files;
  std::set<std::string, std::less<>> directories;  // parents included
  std::set<std::string, std::less<>> links;

  static TreeContent Of(const FileMap& map, int pg_major);
};

// Log directories below the data directory ("log", "pg_log"): what they hold is of use after an accident and of none to
// recovery, so it is neither removed nor overwritten.
bool IsServerLogPath(std::string_view path);

// Stays: the mark of the restore, pg_wal set aside by this or an earlier restore, server logs, what belongs to the file
// system (lost+found). Of a tablespace's directory only this version's subdirectories are looked at. Returns how many
// entries were removed.
Result<uint64_t> RemoveForeignFiles(const ClusterTree& tree, const FileMap& map, const TreeContent& content,
                                    const OpContext& ctx);

}  // namespace pitr
