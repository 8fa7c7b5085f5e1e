#include "core/restore/tablespace_user.h"

#include <sys/stat.h>

#include <filesystem>
#include <set>

#include "core/base/process_directories.h"
#include "core/base/same_directory.h"
#include "core/restore/cluster_tree.h"

namespace pitr {
namespace {

namespace fs = std::filesystem;

bool HasLinkTo(const fs::path& data_directory, const struct stat& directory) {
  std::error_code error;
  for (fs::directory_iterator link(data_directory / kTablespaceDirectory, error), end; !error && link != end;
       link.increment(error)) {
    struct stat info;
    if (stat(link->path().c_str(), &info) == 0 && info.st_dev == directory.st_dev && info.st_ino == directory.st_ino)
      return true;
  }
  return false;
}

}  // namespace

std::optional<TablespaceUser> FindTablespaceUser(const std::string& directory, const std::string& own) {
  struct stat wanted;
  if (stat(directory.c_str(), &wanted) != 0) return std::nullopt;
  std::set<std::string> seen;
  std::optional<TablespaceUser> user;
  EachProcessDirectory([&](pid_t pid, const std::string& link) {
    const std::string works_in = NameOfProcessDirectory(link);
    if (seen.insert(works_in).second && HasLinkTo(works_in, wanted) && !SameDirectory(works_in, own))
      user = TablespaceUser{pid, works_in};
    return !user;
  });
  return user;
}

}  // namespace pitr
