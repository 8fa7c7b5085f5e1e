#include "core/backup/data/file_stat.h"

#include <fcntl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "core/base/unique_fd.h"

namespace pitr {
namespace {

int64_t Nanos(const statx_timestamp& time) { return int64_t{time.tv_sec} * 1000000000 + time.tv_nsec; }

bool Stat(int directory, const char* path, int flags, const Clock& clock, FileStat& out) {
  const int64_t now = clock.WallMicros() * 1000;
  struct statx info {};
  if (statx(directory, path, flags, STATX_BASIC_STATS | STATX_BTIME, &info) != 0) return false;
  out.mode = info.stx_mode;
  out.owner = info.stx_uid;
  out.device = makedev(info.stx_dev_major, info.stx_dev_minor);
  out.inode = info.stx_ino;
  out.size_bytes = info.stx_size;
  out.mtime_micros = Nanos(info.stx_mtime) / 1000;
  out.stamp = {};
  if ((info.stx_mask & STATX_BTIME) == 0 || (info.stx_mask & STATX_INO) == 0) return true;
  out.stamp.inode = info.stx_ino;
  out.stamp.born_nanos = Nanos(info.stx_btime);
  const int64_t changed = Nanos(info.stx_ctime);
  if ((info.stx_mask & STATX_CTIME) != 0 && changed < now - kUnsettledNanos) out.stamp.changed_nanos = changed;
  return true;
}

}  // namespace

bool StatPath(const std::string& path, const Clock& clock, FileStat& out) {
  return Stat(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW, clock, out);
}

bool StatTarget(const std::string& path, const Clock& clock, FileStat& out) {
  return Stat(AT_FDCWD, path.c_str(), 0, clock, out);
}

bool StatFile(int fd, const Clock& clock, FileStat& out) { return Stat(fd, "", AT_EMPTY_PATH, clock, out); }

void TakeStat(const FileStat& stat, MappedFile& file) {
  file.size_bytes = stat.size_bytes;
  file.mode = stat.mode & 0777;
  file.mtime_micros = stat.mtime_micros;
  file.stamp = stat.stamp;
}

std::string CurrentBootId() {
  const UniqueFd fd(open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC));
  std::array<char, 64> text{};
  const ssize_t got = fd.ok() ? read(fd.get(), text.data(), text.size()) : -1;
  if (got <= 0) return "";
  const std::string id(text.data(), static_cast<size_t>(got));
  return id.substr(0, id.find('\n'));
}

}  // namespace pitr
