#include "core/restore/directory_way.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <climits>
#include <deque>
#include <filesystem>

#include "core/base/user_name.h"
#include "core/store/file_error.h"

namespace pitr {
namespace {

constexpr int kMaxLinks = 40;  // as the kernel
constexpr int kStepFlags = O_PATH | O_NOFOLLOW | O_CLOEXEC;

class WayWalk {
 public:
  WayWalk(const std::string& path, WayLinks links) : path_(path), links_(links) { Prepend(path); }

  // `make`: what is missing is made.
  Result<UniqueFd> Walk(bool make) {
    PITR_TRY(ToRoot());
    while (!rest_.empty()) {
      const std::string name = rest_.front();
      rest_.pop_front();
      PITR_TRY(Step(name, make));
    }
    UniqueFd opened(openat(at_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!opened.ok()) return Problem(errno);
    return opened;
  }

 private:
  Status Problem(int error) const {
    if (error == ENOENT) return {Code::kNotFound, "\"" + path_ + "\": no such file or directory"};
    return FileError(error, "opening \"" + path_ + "\"");
  }
  void Prepend(const std::string& path) {
    std::deque<std::string> names;
    for (const std::filesystem::path& name : std::filesystem::path(path))
      if (!name.empty() && name != "/" && name != ".") names.push_back(name.string());
    rest_.insert(rest_.begin(), names.begin(), names.end());
  }
  Status ToRoot() {
    at_ = UniqueFd(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    at_path_.clear();
    return at_.ok() ? Status::Ok() : Problem(errno);
  }

  Status Step(const std::string& name, bool make) {
    UniqueFd next(openat(at_.get(), name.c_str(), kStepFlags));
    if (!next.ok() && errno == ENOENT && make) {
      PITR_TRY(Make(name));
      next = UniqueFd(openat(at_.get(), name.c_str(), kStepFlags));
    }
    if (!next.ok()) return Problem(errno);
    struct stat info;
    if (fstat(next.get(), &info) != 0) return Problem(errno);
    if (S_ISLNK(info.st_mode)) return Follow(next.get(), at_path_ + "/" + name, info.st_uid);
    if (!S_ISDIR(info.st_mode)) return Problem(ENOTDIR);
    if (make) PITR_TRY(SyncEntries());
    // This makes an automounter mount, which looking does not. Without the right to read it, looking must do.
    UniqueFd entered(openat(at_.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!entered.ok() && errno != EACCES && errno != EPERM) return Problem(errno);
    at_ = entered.ok() ? std::move(entered) : std::move(next);
    at_path_ += "/" + name;
    return Status::Ok();
  }

  // An interrupted run may have made what is there. Directories that this user may not read were made by others.
  Status SyncEntries() const {
    const UniqueFd readable(openat(at_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const bool closed = !readable.ok() && errno == EACCES;
    if (closed || (readable.ok() && (fsync(readable.get()) == 0 || errno == EINVAL))) return Status::Ok();
    return FileError(errno, "syncing \"" + at_path_ + "/\"");
  }

  Status Follow(int link, const std::string& name, uid_t owner) {
    if (links_ == WayLinks::kOfRoot && owner != 0)
      return Status(Code::kInvalidArgument, "\"" + path_ + "\" leads over the symbolic link \"" + name + "\"")
          .WithDetail("It belongs to user " + DescribeUser(owner) +
                      ", who could have it lead anywhere, at any time. Root follows only links of its own.")
          .WithHint("Name the directory that it leads to instead, or run as the server's user.");
    if (++followed_ > kMaxLinks) return Problem(ELOOP);
    char target[PATH_MAX];
    const ssize_t length = readlinkat(link, "", target, sizeof target);
    if (length < 0) return Problem(errno);
    const std::string leads(target, static_cast<size_t>(length));
    Prepend(leads);
    return leads.starts_with('/') ? ToRoot() : Status::Ok();
  }

  Status Make(const std::string& name) {
    if (mkdirat(at_.get(), name.c_str(), 0700) != 0)
      return errno == EEXIST ? Status::Ok() : FileError(errno, "creating directory \"" + at_path_ + "/" + name + "\"");
    // The umask may have taken something.
    const UniqueFd made(openat(at_.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    return made.ok() && fchmod(made.get(), 0700) == 0 ? Status::Ok() : Problem(errno);
  }

  const std::string& path_;
  const WayLinks links_;
  std::deque<std::string> rest_;
  UniqueFd at_;
  std::string at_path_;
  int followed_ = 0;
};

}  // namespace

Result<UniqueFd> OpenDirectoryWay(const std::string& path, WayLinks links) { return WayWalk(path, links).Walk(false); }

Result<UniqueFd> MakeDirectoryWay(const std::string& path, WayLinks links) { return WayWalk(path, links).Walk(true); }

}  // namespace pitr
