// Clears an existing data directory of what a backup does not have, so that nothing of the old cluster is left to
// mislead the new one. The server's own files are removed, everything else is set aside or stays. Never leaves the
// tree, never follows a symbolic link, removes nothing on a file system that was mounted in between.
#pragma once
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/base/op_context.h"
#include "core/restore/backup_map.h"
#include "core/restore/cluster_tree.h"
#include "core/restore/own_files.h"
#include "core/restore/tree_content.h"

namespace pitr {

struct ClearRules {
  Configuration configuration = Configuration::kKeep;  // what becomes of what people put there
  OwnFiles own;
  ServerLogs logs;
  std::set<std::string, std::less<>> wal;  // names in pg_wal that are set aside by somebody else
  std::string aside;                       // name of the directory
};

struct ClearedTree {
  uint64_t removed = 0;                      // entries; directories count as files
  std::vector<std::string> set_aside;        // paths: files, links, directories with all that is in them
  std::vector<std::string> strangers;        // not in the backup, not the server's, stay where they are
  std::map<unsigned long, uint64_t> freed;   // bytes, by device
  std::map<unsigned long, uint64_t> copied;  // bytes that are set aside on another device than they were on
};

// Stays: the mark of the restore, what was set aside before, server logs, what belongs to a file system (lost+found) or
// is mounted there by somebody, and what is no server's file in pg_wal; with Configuration::kKeep whatever is at the
// top of the data directory and is not the server's. Of a tablespace's directory only this version's subdirectories are
// looked at. `map` has the files that are to be there. Memory: the names in each directory on the way to the one that
// is looked at, some pages of the map, and the paths that the result has.
Result<ClearedTree> ClearTree(const ClusterTree& tree, const BackupMap& map, const TreeContent& content,
                              const ClearRules& rules, const OpContext& ctx);
// The same without writing: what would be done. kInvalidArgument when something would stand in the way: a mount point
// in the place of what must go, a directory that may not be written to, a read-only file system.
Result<ClearedTree> SurveyTree(const ClusterTree& tree, const BackupMap& map, const TreeContent& content,
                               const ClearRules& rules, const OpContext& ctx);

}  // namespace pitr
