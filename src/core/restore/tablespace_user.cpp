#include "core/restore/tablespace_user.h"

#include <sys/stat.h>

#include <charconv>
#include <filesystem>
#include <set>

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

std::optional<TablespaceUser> FindTablespaceUser(const std::string& directory) {
  struct stat wanted;
  if (stat(directory.c_str(), &wanted) != 0) return std::nullopt;
  std::set<std::string> seen;
  std::error_code error;
  for (fs::directory_iterator process("/proc", error), end; !error && process != end; process.increment(error)) {
    const std::string name = process->path().filename();
    int pid = 0;
    if (std::from_chars(name.data(), name.data() + name.size(), pid).ec != std::errc()) continue;
    std::error_code ignored;
    const fs::path works_in = fs::read_symlink(process->path() / "cwd", ignored);
    if (ignored || !seen.insert(works_in).second) continue;
    if (HasLinkTo(works_in, wanted)) return TablespaceUser{pid, works_in};
  }
  return std::nullopt;
}

}  // namespace pitr
