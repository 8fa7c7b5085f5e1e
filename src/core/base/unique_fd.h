// Owns a file descriptor and closes it. Movable, not copyable; used by one thread at a time.
#pragma once
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace pitr {

class UniqueFd {
 public:
  UniqueFd() noexcept = default;
  explicit UniqueFd(int fd) noexcept : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) {
      Reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  ~UniqueFd() { Reset(); }

  int get() const noexcept { return fd_; }
  bool ok() const noexcept { return fd_ >= 0; }
  int Release() noexcept { return std::exchange(fd_, -1); }  // the caller closes it
  void Reset() noexcept {
    const int saved = errno;
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
    errno = saved;
  }
  // Closes now and says how that went: 0 or errno. For files that were written (NFS reports errors here).
  int Close() noexcept {
    const int fd = std::exchange(fd_, -1);
    return fd < 0 || close(fd) == 0 ? 0 : errno;
  }

 private:
  int fd_ = -1;
};

}  // namespace pitr
