#include "core/backup/data/linked_path.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <memory>

#include "core/base/describe_size.h"
#include "core/base/error_text.h"
#include "core/base/unique_fd.h"
#include "core/store/file_error.h"

namespace pitr {
namespace {

constexpr std::string_view kIncludedSuffix = ".conf";

bool IsIncludedName(std::string_view name) {
  return name.size() > kIncludedSuffix.size() && name.ends_with(kIncludedSuffix) && name[0] != '.';
}

// As include_dir does: names that end in .conf and do not begin with a dot, no subdirectories.
Status FindIncluded(const std::string& absolute, const OpContext& ctx, LinkedPath& out) {
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(opendir(absolute.c_str()), closedir);
  if (dir == nullptr) {
    out.why = "it leads to a directory that cannot be read: " + ErrorText(errno);
    return Status::Ok();
  }
  errno = 0;
  while (const dirent* entry = readdir(dir.get())) {
    const std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    FileStat info;
    const std::string path = absolute + "/" + name;
    const bool wanted = IsIncludedName(name) && out.included.size() < kMaxIncludedFiles &&
                        StatTarget(path, *ctx.clock, info) && S_ISREG(info.mode) &&
                        info.size_bytes <= kMaxLinkedFileBytes && ReadError(path, info) == 0;
    if (wanted)
      out.included.push_back(name);
    else
      out.partial = true;
    PITR_TRY(ctx.Check());
    errno = 0;
  }
  if (errno != 0) return FileError(errno, "reading directory \"" + absolute + "\"");
  std::sort(out.included.begin(), out.included.end());
  out.use = out.included.empty() ? LinkedPath::Use::kSkip : LinkedPath::Use::kConfiguration;
  out.why = out.included.empty() ? "it leads to a directory that is not PostgreSQL's"
                                 : "of the directory that it leads to, *.conf files alone are stored";
  return Status::Ok();
}

}  // namespace

int ReadError(const std::string& absolute, const FileStat& info) {
  if (info.owner == geteuid() && (info.mode & S_IRUSR) != 0) return 0;
  // Access lists, capabilities and file systems have their own mind, so only opening it tells.
  const UniqueFd fd(open(absolute.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  return fd.ok() ? 0 : errno;
}

const char* FileKindName(mode_t mode) {
  if (S_ISLNK(mode)) return "symbolic link";
  if (S_ISSOCK(mode)) return "socket";
  if (S_ISFIFO(mode)) return "pipe";
  if (S_ISCHR(mode) || S_ISBLK(mode)) return "device";
  return S_ISDIR(mode) ? "directory" : "file";
}

Result<LinkedPath> LookThrough(const std::string& absolute, bool needed, const OpContext& ctx) {
  LinkedPath out;
  std::string target(PATH_MAX, '\0');
  const ssize_t length = readlink(absolute.c_str(), target.data(), target.size());
  if (length < 0) {
    if (errno != ENOENT && errno != ENOTDIR && errno != EINVAL)
      return FileError(errno, "reading symbolic link \"" + absolute + "\"");
    out.use = LinkedPath::Use::kVanished;
    return out;
  }
  target.resize(static_cast<size_t>(length));
  out.target = std::move(target);
  out.use = needed ? LinkedPath::Use::kRefuse : LinkedPath::Use::kSkip;
  if (!StatTarget(absolute, *ctx.clock, out.stat)) {
    const int error = errno;
    FileStat link;
    if (!StatPath(absolute, *ctx.clock, link)) out.use = LinkedPath::Use::kVanished;
    out.why = error == ENOENT ? "it leads to nothing" : "what it leads to cannot be looked at: " + ErrorText(error);
    return out;
  }
  if (S_ISDIR(out.stat.mode)) {
    if (!needed) {
      PITR_TRY(FindIncluded(absolute, ctx, out));
      return out;
    }
    out.use = LinkedPath::Use::kDirectory;
    return out;
  }
  if (!S_ISREG(out.stat.mode)) {
    out.why = std::string("it leads to a ") + FileKindName(out.stat.mode);
    return out;
  }
  if (const int error = ReadError(absolute, out.stat); error != 0) {
    out.why = "the file that it leads to cannot be read: " + ErrorText(error);
  } else if (!needed && out.stat.size_bytes > kMaxLinkedFileBytes) {
    out.why = "the file that it leads to is larger than " + DescribeBytes(kMaxLinkedFileBytes);
  } else {
    out.use = LinkedPath::Use::kFile;
  }
  return out;
}

}  // namespace pitr
