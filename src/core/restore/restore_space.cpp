#include "core/restore/restore_space.h"

#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>

#include "core/base/describe_size.h"
#include "core/restore/restore_places.h"

namespace pitr {
namespace {

// Left free beyond the files themselves, for WAL and what recovery writes.
constexpr uint64_t kSpareBytes = uint64_t{64} << 20;

struct FileSystem {
  bool known = false;
  uint64_t needed = 0;
  uint64_t available = 0;
  std::string directory;  // one that is on it
};

class Space {
 public:
  explicit Space(const ClusterTree& tree) : tree_(tree) {}

  void Need(const std::string& directory, uint64_t bytes) { file_systems_[DeviceOf(directory)].needed += bytes; }
  // A directory into which something will be written, if only by the server.
  void NeedIn(const std::string& directory) { DeviceOf(directory); }

  std::map<unsigned long, FileSystem>& file_systems() { return file_systems_; }

 private:
  // What is not there will be made in the directory above.
  unsigned long DeviceOf(const std::string& directory) {
    const auto known = devices_.find(directory);
    if (known != devices_.end()) return known->second;
    unsigned long device = 0;
    struct stat info;
    struct statvfs space;
    const auto opened = tree_.OpenDirectory(directory);
    const auto root = tree_.roots().find(directory);
    // A root that is yet to be made will be where the directory above it is.
    const std::string above = opened.ok() || root == tree_.roots().end() ? "" : NearestExisting(root->second);
    const bool looked = opened.ok()
                            ? fstat(opened.value().get(), &info) == 0 && fstatvfs(opened.value().get(), &space) == 0
                            : !above.empty() && stat(above.c_str(), &info) == 0 && statvfs(above.c_str(), &space) == 0;
    if (looked) {
      device = info.st_dev;
      FileSystem& file_system = file_systems_[device];
      if (!file_system.known) {
        file_system.known = true;
        file_system.available = static_cast<uint64_t>(geteuid() == 0 ? space.f_bfree : space.f_bavail) * space.f_frsize;
        file_system.directory = directory.empty() ? tree_.data_directory() : tree_.Locate(directory);
        if (root != tree_.roots().end()) file_system.directory = root->second;
      }
    } else if (!directory.empty()) {
      const size_t slash = directory.rfind('/');
      device = DeviceOf(slash == std::string::npos ? std::string() : directory.substr(0, slash));
    }
    devices_[directory] = device;
    return device;
  }

  const ClusterTree& tree_;
  std::map<std::string, unsigned long> devices_;
  std::map<unsigned long, FileSystem> file_systems_;
};

}  // namespace

Status CheckSpace(const ClusterTree& tree, const std::map<std::string, uint64_t>& to_write,
                  const ClearedTree& cleared) {
  Space space(tree);
  space.NeedIn("");
  for (const auto& [directory, bytes] : to_write) space.Need(directory, bytes);
  space.NeedIn(std::string(kWalDirectory));
  for (const auto& [device, bytes] : cleared.copied) space.file_systems()[device].needed += bytes;
  for (auto& [device, found] : space.file_systems()) {
    if (!found.known) continue;  // try
    const auto freed = cleared.freed.find(device);
    if (freed != cleared.freed.end()) found.available += freed->second;
    if (found.needed + kSpareBytes <= found.available) continue;
    return Status(Code::kInvalidArgument, "not enough room for the backup in \"" + found.directory + "\"")
        .WithDetail("It needs " + DescribeBytes(found.needed + kSpareBytes) + " more; " +
                    DescribeBytes(found.available) + " are free.")
        .WithHint(
            "Free some, restore elsewhere, map a tablespace elsewhere with --tablespace, or WAL with --waldir. Delete "
            "nothing in pg_wal: WAL that is stored will be removed, and is counted here as free.");
  }
  return Status::Ok();
}

}  // namespace pitr
