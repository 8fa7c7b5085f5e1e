// What the file system says of a file, and by what it is known again in a later backup. Pure but for the system calls.
//
// A stamp's `changed_nanos` (ctime) proves that a file was not written since another backup looked at it, because every
// write moves it on and nobody can set it back. Two things could deceive: a second write within the same tick of the
// clock after the backup had read the file, and a machine that crashed before it stored the time but after it stored
// the data. So a time is only kept when it is kUnsettledNanos old by then, and compared only on a machine that was not
// booted anew (boot id in the manifest).
#pragma once
#include <sys/stat.h>

#include <string>

#include "core/base/clock.h"
#include "core/base/status.h"
#include "core/repo/maps/file_map.h"

namespace pitr {

inline constexpr int64_t kUnsettledNanos = int64_t{2} * 1000000000;

struct FileStat {
  mode_t mode = 0;  // with the type
  uid_t owner = 0;
  dev_t device = 0;
  uint64_t inode = 0;
  uint64_t size_bytes = 0;
  int64_t mtime_micros = 0;
  FileStamp stamp;
};

// Of `path`, not following a link; false with errno set.
bool StatPath(const std::string& path, const Clock& clock, FileStat& out);
// The same, following links.
bool StatTarget(const std::string& path, const Clock& clock, FileStat& out);
// Of an open file; false with errno set.
bool StatFile(int fd, const Clock& clock, FileStat& out);

// Size, mode, times and stamp; the path stays.
void TakeStat(const FileStat& stat, MappedFile& file);

// Identifies the run of the machine's kernel; empty when it cannot be told.
std::string CurrentBootId();

}  // namespace pitr
