// What a restored directory is to have beside files, by path. A plain value; memory: something for each directory.
#pragma once
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/repo/manifest.h"
#include "core/repo/maps/file_map.h"

namespace pitr {

struct TreeContent {
  std::set<std::string, std::less<>> directories;  // parents included
  std::set<std::string, std::less<>> links;
  // Links, sockets and the like that the backup knows of and has left out: they are left alone.
  std::set<std::string, std::less<>> left_out;

  // Without the directories that only files tell of.
  static TreeContent Of(const MapPageList& list, const BackupManifest& backup);
  // With its parents. "": nothing.
  void AddDirectory(std::string_view path);
  // The directories below a tablespace's own one that belong to this cluster (PG_15_...), as paths in the tree.
  std::vector<std::string> VersionPaths(const std::string& oid) const;
};

}  // namespace pitr
