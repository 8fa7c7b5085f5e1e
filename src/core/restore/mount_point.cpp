#include "core/restore/mount_point.h"

#include <fcntl.h>
#include <mntent.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <set>

#include "core/base/unique_fd.h"

namespace pitr {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kStatxMountRoot = 0x2000;  // STATX_ATTR_MOUNT_ROOT, which older headers do not have
constexpr size_t kMaxLine = 4096;

// Without links and "..", as far as it exists.
std::string PlainWay(const std::string& path) {
  std::error_code error;
  std::string plain = fs::weakly_canonical(path, error).lexically_normal().string();
  if (error) return "";
  while (plain.size() > 1 && plain.back() == '/') plain.pop_back();
  return plain;
}

std::set<std::string> ListedMountPoints() {
  std::set<std::string> listed;
  const std::unique_ptr<FILE, int (*)(FILE*)> file(setmntent(MountListPath().c_str(), "re"), endmntent);
  if (file == nullptr) return listed;
  mntent entry;
  char line[kMaxLine];
  while (getmntent_r(file.get(), &entry, line, sizeof line) != nullptr)
    if (entry.mnt_dir[0] == '/') listed.insert(PlainWay(entry.mnt_dir));
  return listed;
}

// What cannot be looked at counts as mounted: nothing is said of it.
bool IsMounted(const fs::path& path) {
  if (!path.has_relative_path()) return true;
  const UniqueFd parent(open(path.parent_path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  const auto mounted = parent.ok() ? IsMountPointIn(parent.get(), path.filename().string()) : std::nullopt;
  return mounted.value_or(errno != ENOENT);
}

std::optional<std::string> NearestAbsent(const std::string& plain, const std::set<std::string>& listed) {
  for (fs::path at = plain; !plain.empty() && !IsMounted(at); at = at.parent_path())
    if (listed.contains(at.string())) return at.string();
  return std::nullopt;
}

}  // namespace

std::optional<bool> IsMountPointIn(int parent, const std::string& name) {
  struct statx info;
  if (statx(parent, name.c_str(), AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_TYPE, &info) != 0) return std::nullopt;
  if ((info.stx_attributes_mask & kStatxMountRoot) != 0) return (info.stx_attributes & kStatxMountRoot) != 0;
  // An old kernel shows only what is on another device.
  struct stat above;
  if (fstat(parent, &above) != 0) return std::nullopt;
  return makedev(info.stx_dev_major, info.stx_dev_minor) != above.st_dev;
}

std::string MountListPath() {
  const char* other = std::getenv("LIBMOUNT_FSTAB");
  return other != nullptr && *other != '\0' ? other : "/etc/fstab";
}

std::optional<std::string> AbsentMountAbove(const std::string& path) {
  return NearestAbsent(PlainWay(path), ListedMountPoints());
}

std::vector<std::string> AbsentMountsBelow(const std::string& directory) {
  const std::set<std::string> listed = ListedMountPoints();
  const std::string below = PlainWay(directory) + "/";
  std::vector<std::string> absent;
  for (const std::string& path : listed)
    if (path.starts_with(below) && NearestAbsent(path, listed) == path) absent.push_back(path);
  return absent;
}

}  // namespace pitr
