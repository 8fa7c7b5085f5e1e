#include "unit/store/sync_faults.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <mutex>

namespace pitr::test {
namespace {

std::mutex& Mutex() {
  static std::mutex mutex;
  return mutex;
}

SyncFaults::Hook& Current() {
  static SyncFaults::Hook hook;
  return hook;
}

int FaultOf(int fd) {
  std::lock_guard lock(Mutex());
  if (!Current()) return 0;
  char path[PATH_MAX];
  const ssize_t length = readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), path, sizeof path);
  return Current()(std::string(path, length > 0 ? static_cast<size_t>(length) : 0));
}

}  // namespace

SyncFaults::SyncFaults(Hook hook) {
  std::lock_guard lock(Mutex());
  Current() = std::move(hook);
}

SyncFaults::~SyncFaults() {
  std::lock_guard lock(Mutex());
  Current() = nullptr;
}

}  // namespace pitr::test

extern "C" int fsync(int fd) {
  if (const int error = pitr::test::FaultOf(fd); error != 0) {
    errno = error;
    return -1;
  }
  return static_cast<int>(syscall(SYS_fsync, fd));
}
