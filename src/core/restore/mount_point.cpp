#include "core/restore/mount_point.h"

#include <fcntl.h>
#include <mntent.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <sstream>

namespace pitr {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kStatxMountRoot = 0x2000;  // STATX_ATTR_MOUNT_ROOT, which older headers do not have
constexpr size_t kMaxLine = 4096;

std::string Plain(const std::string& path) {
  std::string plain = fs::path(path).lexically_normal().string();
  while (plain.size() > 1 && plain.back() == '/') plain.pop_back();
  return plain;
}

// Neither list is read by looking at a mount point: one whose server does not answer would hold up everything.
std::set<std::string> ListedMountPoints() {
  std::set<std::string> listed;
  const std::unique_ptr<FILE, int (*)(FILE*)> file(setmntent(MountListPath().c_str(), "re"), endmntent);
  if (file == nullptr) return listed;
  mntent entry;
  char line[kMaxLine];
  while (getmntent_r(file.get(), &entry, line, sizeof line) != nullptr)
    if (entry.mnt_dir[0] == '/') listed.insert(Plain(entry.mnt_dir));
  return listed;
}

// Blanks and the like are written as octal numbers.
std::string Unescaped(const std::string& text) {
  std::string plain;
  for (size_t at = 0; at < text.size(); ++at) {
    unsigned value = 0;
    const bool octal = text[at] == '\\' && at + 3 < text.size() &&
                       std::from_chars(&text[at + 1], &text[at + 4], value, 8).ptr == &text[at + 4];
    plain += octal ? static_cast<char>(value) : text[at];
    if (octal) at += 3;
  }
  return plain;
}

// Empty: not known.
std::set<std::string> MountedPoints() {
  std::set<std::string> mounted;
  std::ifstream file("/proc/self/mountinfo");
  for (std::string line; std::getline(file, line);) {
    std::istringstream fields(line);
    std::string id, parent, device, root, point;
    if (fields >> id >> parent >> device >> root >> point) mounted.insert(Unescaped(point));
  }
  return mounted;
}

struct MountTable {
  std::set<std::string> listed = ListedMountPoints();
  std::set<std::string> mounted = listed.empty() ? std::set<std::string>() : MountedPoints();

  bool known() const { return !listed.empty() && !mounted.empty(); }
  // A listed point may be reached through a link.
  bool IsMounted(const std::string& point) const {
    std::error_code error;
    return mounted.contains(point) ||
           (listed.contains(point) && mounted.contains(fs::weakly_canonical(point, error).string()));
  }
};

std::optional<std::string> NearestAbsent(const std::string& plain, const MountTable& table) {
  for (fs::path at = plain; at.has_relative_path() && !table.IsMounted(at.string()); at = at.parent_path())
    if (table.listed.contains(at.string())) return at.string();
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
  const MountTable table;
  return table.known() ? NearestAbsent(Plain(path), table) : std::nullopt;
}

std::vector<std::string> AbsentMountsBelow(const std::string& directory) {
  const MountTable table;
  std::vector<std::string> absent;
  const std::string below = Plain(directory) + "/";
  if (!table.known()) return absent;
  for (const std::string& path : table.listed)
    if (path.starts_with(below) && NearestAbsent(path, table) == path) absent.push_back(path);
  return absent;
}

}  // namespace pitr
