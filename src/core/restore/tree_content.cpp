#include "core/restore/tree_content.h"

#include "core/pg/relation_file.h"
#include "core/restore/cluster_tree.h"

namespace pitr {

void TreeContent::AddDirectory(std::string_view path) {
  while (!path.empty() && directories.emplace(path).second) {
    // What is stored under a name must find its place there.
    if (const auto left = left_out.find(path); left != left_out.end()) left_out.erase(left);
    const size_t slash = path.rfind('/');
    path = slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
  }
}

TreeContent TreeContent::Of(const MapPageList& list, const BackupManifest& backup) {
  TreeContent content;
  for (const SkippedEntry& entry : backup.skipped) content.left_out.insert(entry.path);
  for (const MappedDirectory& directory : list.directories)
    if (directory.path != ".") content.AddDirectory(directory.path);
  for (const std::string& required : RequiredDirectories(backup.cluster.pg_major)) content.AddDirectory(required);
  return content;
}

std::vector<std::string> TreeContent::VersionPaths(const std::string& oid) const {
  const std::string prefix = std::string(kTablespaceDirectory) + "/" + oid + "/";
  std::vector<std::string> paths;
  for (auto at = directories.lower_bound(prefix); at != directories.end() && at->starts_with(prefix); ++at)
    if (at->find('/', prefix.size()) == std::string::npos) paths.push_back(*at);
  return paths;
}

}  // namespace pitr
