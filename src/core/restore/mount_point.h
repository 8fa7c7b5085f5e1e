// Where file systems are mounted, and where /etc/fstab, from which systemd makes its mount units, says that one
// belongs. Below a mount point on which nothing is mounted, what is written lands on the file system above, and is
// hidden when the disk comes back. Reads only; any thread.
#pragma once
#include <optional>
#include <string>
#include <vector>

namespace pitr {

// Whether a file system is mounted at `name` in the directory open as `parent`; a bind mount counts. nullopt: that
// cannot be looked at, errno says why.
std::optional<bool> IsMountPointIn(int parent, const std::string& name);

// The file that mount(8) reads.
std::string MountListPath();

// The nearest mount point at or above `path` (absolute; need not exist), if it is one by /etc/fstab only: nothing is
// mounted there, nor in between. nullopt when the file system of `path` is as it should be, or nothing is known. Goes
// by names: links in `path` are not followed, and no other file system is touched.
std::optional<std::string> AbsentMountAbove(const std::string& path);

// Those below `directory`, by name.
std::vector<std::string> AbsentMountsBelow(const std::string& directory);

}  // namespace pitr
