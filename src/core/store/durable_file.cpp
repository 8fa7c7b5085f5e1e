#include "core/store/durable_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "core/base/unique_fd.h"
#include "core/store/file_error.h"

namespace pitr {

Status WriteDurableFile(const std::string& path, std::string_view content) {
  const std::string temporary = path + ".tmp." + std::to_string(getpid());
  const UniqueFd file(open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!file.ok()) return FileError(errno, "creating \"" + temporary + "\"");
  for (size_t done = 0; done < content.size();) {
    const ssize_t written = write(file.get(), content.data() + done, content.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return FileError(errno, "writing \"" + temporary + "\"");
    done += static_cast<size_t>(written);
  }
  if (fsync(file.get()) != 0) return FileError(errno, "syncing \"" + temporary + "\"");
  if (rename(temporary.c_str(), path.c_str()) != 0) return FileError(errno, "renaming \"" + temporary + "\"");
  const size_t slash = path.rfind('/');
  const std::string parent = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
  const UniqueFd directory(open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.ok() || fsync(directory.get()) != 0) return FileError(errno, "syncing \"" + parent + "\"");
  return Status::Ok();
}

}  // namespace pitr
