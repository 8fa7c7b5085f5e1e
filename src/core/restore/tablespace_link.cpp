#include "core/restore/tablespace_link.h"

#include <filesystem>

#include "core/restore/cluster_tree.h"

namespace pitr {

namespace fs = std::filesystem;

bool HasLinkTo(const std::string& data_directory, const struct stat& directory) {
  std::error_code error;
  for (fs::directory_iterator link(fs::path(data_directory) / kTablespaceDirectory, error), end; !error && link != end;
       link.increment(error)) {
    struct stat info;
    if (stat(link->path().c_str(), &info) == 0 && info.st_dev == directory.st_dev && info.st_ino == directory.st_ino)
      return true;
  }
  return false;
}

bool HasLinkTo(const std::string& data_directory, const std::string& directory) {
  struct stat info;
  return stat(directory.c_str(), &info) == 0 && HasLinkTo(data_directory, info);
}

}  // namespace pitr
