#include "core/repo/wal/wal_source.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/base/error_text.h"

namespace pitr {
namespace {

Status Problem(const std::string& path, const char* doing, int error) {
  Code code = Code::kUnavailable;
  if (error == ENOENT) code = Code::kNotFound;
  if (error == EACCES || error == EPERM) code = Code::kPermission;
  return {code, std::string("could not ") + doing + " file \"" + path + "\": " + ErrorText(error)};
}

}  // namespace

Result<WalSource> WalSource::Open(const std::string& path) {
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.ok()) return Problem(path, "open", errno);
  struct stat before {};
  if (fstat(fd.get(), &before) != 0) return Problem(path, "stat", errno);
  if (!S_ISREG(before.st_mode)) return Status(Code::kInvalidArgument, "\"" + path + "\" is not a regular file");
  return WalSource(path, std::move(fd), before);
}

Status WalSource::ReadAt(uint64_t offset, std::span<uint8_t> out) const {
  for (size_t done = 0; done < out.size();) {
    const ssize_t n = pread(fd_.get(), out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const int error = errno;
      return {Code::kUnavailable, "could not read file \"" + path_ + "\" at offset " + std::to_string(offset + done) +
                                      ": " + ErrorText(error)};
    }
    if (n == 0)
      return {Code::kUnavailable, "file \"" + path_ + "\" became shorter while it was read: it ends at offset " +
                                      std::to_string(offset + done) + " instead of " + std::to_string(size_bytes())};
    done += static_cast<size_t>(n);
  }
  return Status::Ok();
}

Status WalSource::CheckUnchanged() const {
  struct stat now {};
  if (fstat(fd_.get(), &now) != 0) return Problem(path_, "stat", errno);
  if (now.st_size == before_.st_size && now.st_mtim.tv_sec == before_.st_mtim.tv_sec &&
      now.st_mtim.tv_nsec == before_.st_mtim.tv_nsec)
    return Status::Ok();
  return {Code::kUnavailable, "file \"" + path_ + "\" was changed while it was read"};
}

}  // namespace pitr
