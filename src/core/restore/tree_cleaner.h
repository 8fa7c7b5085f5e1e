// Clears an existing data directory of what a backup does not have, so that nothing of the old cluster is left to
// mislead the new one. The server's own files are removed, everything else is set aside or stays. Never leaves the
// tree, never follows a symbolic link, removes nothing on a file system that was mounted in between.
#pragma once
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/base/op_context.h"
#include "core/repo/file_map.h"
#include "core/repo/manifest.h"
#include "core/restore/cluster_tree.h"
#include "core/restore/own_files.h"

namespace pitr {

// What is to be there, by path.
struct TreeContent {
  std::set<std::string, std::less<>> files;
  std::set<std::string, std::less<>> directories;  // parents included
  std::set<std::string, std::less<>> links;
  // Links, sockets and the like that the backup knows of and has left out: they are left alone.
  std::set<std::string, std::less<>> left_out;

  static TreeContent Of(const FileMap& map, const BackupManifest& backup);
};

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
// looked at.
Result<ClearedTree> ClearTree(const ClusterTree& tree, const FileMap& map, const TreeContent& content,
                              const ClearRules& rules, const OpContext& ctx);
// The same without writing: what would be done. kInvalidArgument when something would stand in the way: a mount point
// in the place of what must go, a directory that may not be written to, a read-only file system.
Result<ClearedTree> SurveyTree(const ClusterTree& tree, const FileMap& map, const TreeContent& content,
                               const ClearRules& rules, const OpContext& ctx);

}  // namespace pitr
