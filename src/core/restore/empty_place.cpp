#include "core/restore/empty_place.h"

#include <dirent.h>
#include <fcntl.h>

#include <cerrno>
#include <memory>
#include <string_view>

#include "core/base/unique_fd.h"
#include "core/store/directory_walk.h"

namespace pitr {

bool HoldsNoFiles(int directory) {
  UniqueFd fd(openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.ok()) return false;
  const std::unique_ptr<DIR, int (*)(DIR*)> names(fdopendir(fd.get()), closedir);
  if (names == nullptr) return false;
  fd.Release();
  errno = 0;
  while (const dirent* entry = readdir(names.get())) {
    const std::string_view name = entry->d_name;
    errno = 0;
    if (name == "." || name == ".." || IsForeignRootName(name)) continue;
    const UniqueFd below(openat(directory, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!below.ok() || !HoldsNoFiles(below.get())) return false;
    errno = 0;
  }
  return errno == 0;
}

}  // namespace pitr
