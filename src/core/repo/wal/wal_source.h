// A local WAL file while it is pushed: read in order or at an offset, and watched for changes. One thread.
#pragma once
#include <sys/stat.h>

#include <string>

#include "core/base/bytes.h"
#include "core/base/status.h"
#include "core/base/unique_fd.h"

namespace pitr {

class WalSource {
 public:
  // kNotFound when `path` does not exist, kPermission, kInvalidArgument when it is not a regular file, kUnavailable for
  // other failures.
  static Result<WalSource> Open(const std::string& path);

  const std::string& path() const { return path_; }
  uint64_t size_bytes() const { return static_cast<uint64_t>(before_.st_size); }
  // Fills `out`. kUnavailable when the file ends before that or cannot be read.
  Status ReadAt(uint64_t offset, std::span<uint8_t> out) const;
  // kUnavailable when size or modification time are not what they were at Open().
  Status CheckUnchanged() const;

 private:
  WalSource(std::string path, UniqueFd fd, const struct stat& before)
      : path_(std::move(path)), fd_(std::move(fd)), before_(before) {}
  std::string path_;
  UniqueFd fd_;
  struct stat before_;
};

}  // namespace pitr
