#include "core/store/directory_tree.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/syscall.h>

#include <cerrno>
#include <climits>
#include <cstdio>
#include <vector>

#include "core/store/file_error.h"
#include "core/store/full_store.h"
#include "core/store/missing_store.h"

#if __has_include(<linux/openat2.h>) && defined(SYS_openat2)
#include <linux/openat2.h>
#define PITR_OPENAT2
#endif

namespace pitr {
namespace {

constexpr int kWayFlags = O_PATH | O_DIRECTORY | O_CLOEXEC;
constexpr int kFileFlags = O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_LARGEFILE;
constexpr char kNowhere[] = ".nowhere~";  // a name that nothing has
constexpr int kMaxLookUps = 100;          // the kernel asks to try again when directories are moved meanwhile

bool IsLink(int directory, const char* name) {
  struct stat info {};
  return fstatat(directory, name, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(info.st_mode);
}

// One component. The kernel calls a link that should be a directory no directory.
UniqueFd OpenEntry(int directory, const char* name, int flags, mode_t mode) {
  UniqueFd opened(openat(directory, name, flags | O_NOFOLLOW, mode));
  if (!opened.ok() && errno == ENOTDIR) errno = IsLink(directory, name) ? ELOOP : ENOTDIR;
  return opened;
}

UniqueFd OpenStepByStep(int root, const std::string& path, int flags, mode_t mode) {
  UniqueFd at;
  size_t begin = 0;
  for (size_t slash; (slash = path.find('/', begin)) != std::string::npos; begin = slash + 1) {
    at = OpenEntry(at.ok() ? at.get() : root, path.substr(begin, slash - begin).c_str(), kWayFlags, 0);
    if (!at.ok()) return at;
  }
  return OpenEntry(at.ok() ? at.get() : root, path.c_str() + begin, flags, mode);
}

UniqueFd OpenBeneath(int root, const std::string& path, int flags, mode_t mode) {
#ifdef PITR_OPENAT2
  open_how how{};
  how.flags = static_cast<unsigned>(flags);
  how.mode = mode;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
  for (int i = 0; i < kMaxLookUps; i++) {
    const long opened = syscall(SYS_openat2, root, path.c_str(), &how, sizeof how);
    if (opened >= 0) return UniqueFd(static_cast<int>(opened));
    if (errno != EAGAIN && errno != EINTR) break;
  }
  // Kernels before 5.6 do not have it, and filters of system calls may refuse it.
  if (errno != ENOSYS && errno != EPERM) return UniqueFd();
#endif
  return OpenStepByStep(root, path, flags, mode);
}

std::string ParentPath(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : slash == 0 ? "/" : path.substr(0, slash);
}

// "a/b" -> "a", "a/b"
std::vector<std::string> Steps(const std::string& path) {
  std::vector<std::string> steps;
  for (size_t end = 0; end != std::string::npos;) {
    end = path.find('/', end + 1);
    steps.push_back(path.substr(0, end));
  }
  return steps;
}

}  // namespace

struct DirectoryTree::Place {
  UniqueFd opened;
  int directory = -1;  // not ok: errno says why
  const char* name = nullptr;
};

Result<DirectoryTree> DirectoryTree::Open(const std::string& root) {
  UniqueFd opened(open(root.c_str(), kWayFlags));
  if (!opened.ok() && errno == ENOTDIR)
    return Status(Code::kInvalidArgument, "\"" + root + "\", where the store should be, is no directory")
        .WithHint("It, or something on the way to it, is a file or a link. Check the path.");
  if (!opened.ok() && errno == ENOENT)
    return MissingStore(root, kDirectoryMissing)
        .WithHint(std::string("Check the path and that its file system is mounted. ") + kWhoMakesAStore);
  if (!opened.ok()) return FileError(errno, "opening directory \"" + root + "\" of the store");
  return DirectoryTree(root, std::move(opened));
}

Result<DirectoryTree> DirectoryTree::Make(const std::string& root) {
  // What should be above it may be mistyped, or not mounted.
  const std::string above = ParentPath(root);
  struct stat info {};
  if (stat(above.empty() ? "/" : above.c_str(), &info) != 0 && (errno == ENOENT || errno == ENOTDIR))
    return Status(Code::kInvalidArgument, "directory \"" + above + "\" does not exist")
        .WithDetail("The store would be made in it, as \"" + root + "\".")
        .WithHint(
            "Check the path for a typing error, and that its file system is mounted. If it is right, make that "
            "directory first.");
  if (mkdir(root.c_str(), kDirectoryMode) == 0) {
    const UniqueFd made = OpenEntry(AT_FDCWD, root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (made.ok()) fchmod(made.get(), kDirectoryMode);  // whatever the umask; a failure leaves it stricter
  } else if (errno != EEXIST) {
    return FileError(errno, "creating directory \"" + root + "\"");
  }
  PITR_ASSIGN(DirectoryTree tree, Open(root));
  // The way to the store may be readable to this user only in its last steps; those are ours and must be durable.
  for (std::string made = root;; made = ParentPath(made)) {
    const UniqueFd directory(open(made.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const bool synced = directory.ok() && (fsync(directory.get()) == 0 || errno == EINVAL || errno == EBADF);
    if (!synced && errno != EACCES) return FileError(errno, "syncing directory \"" + made + "\"");
    if (made == "/") return tree;
  }
}

DirectoryTree::Place DirectoryTree::Find(const std::string& path) const {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return {UniqueFd(), root_.get(), path.empty() ? "." : path.c_str()};
  UniqueFd parent = OpenBeneath(root_.get(), path.substr(0, slash), kWayFlags, 0);
  const int directory = parent.get();
  return {std::move(parent), directory, path.c_str() + slash + 1};
}

UniqueFd DirectoryTree::Open(const std::string& path, int flags, mode_t mode) const {
  return OpenBeneath(root_.get(), path.empty() ? "." : path, flags | kFileFlags, mode);
}

int DirectoryTree::Stat(const std::string& path, struct stat* info) const {
  const Place place = Find(path);
  if (place.directory < 0 || StatEntry(place.directory, place.name, info) != 0) return -1;
  if (!S_ISLNK(info->st_mode)) return 0;
  errno = ELOOP;
  return -1;
}

int DirectoryTree::StatEntry(int directory, const char* name, struct stat* info) {
  return fstatat(directory, name, info, AT_SYMLINK_NOFOLLOW);
}

int DirectoryTree::MakeDirectory(const std::string& path, mode_t mode) const {
  const Place place = Find(path);
  if (place.directory < 0 || mkdirat(place.directory, place.name, mode) != 0) return -1;
  const UniqueFd made = OpenEntry(place.directory, place.name, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  if (made.ok() && fchmod(made.get(), mode) == 0) GiveToOwner(made.get());  // a failure leaves it stricter
  return 0;
}

int DirectoryTree::Unlink(const std::string& path, int flags) const {
  const Place place = Find(path);
  return place.directory < 0 ? -1 : unlinkat(place.directory, place.name, flags);
}

int DirectoryTree::RenameNoReplace(const std::string& from, const std::string& to) const {
  const Place source = Find(from);
  if (source.directory < 0) return -1;
  const Place target = Find(to);
  if (target.directory < 0) return -1;
  return renameat2(source.directory, source.name, target.directory, target.name, RENAME_NOREPLACE);
}

int DirectoryTree::Link(const std::string& from, const std::string& to) const {
  const Place source = Find(from);
  if (source.directory < 0) return -1;
  const Place target = Find(to);
  if (target.directory < 0) return -1;
  return linkat(source.directory, source.name, target.directory, target.name, 0);
}

void DirectoryTree::GiveToOwner(int file) const {
  struct stat info {};
  if (geteuid() != 0 || fstat(root_.get(), &info) != 0 || info.st_uid == 0) return;
  if (fchown(file, info.st_uid, info.st_gid) != 0) return;
}

// Devices do not tell of a directory that was mounted from the same file system.
bool DirectoryTree::IsOnItsFileSystem(const std::string& directory) const {
  const UniqueFd there = OpenBeneath(root_.get(), directory, kWayFlags, 0);
  struct stat ours {
  }, theirs{};
  if (!there.ok() || fstat(root_.get(), &ours) != 0 || fstat(there.get(), &theirs) != 0) return true;
  if (ours.st_dev != theirs.st_dev) return false;
  return renameat2(root_.get(), kNowhere, there.get(), kNowhere, RENAME_NOREPLACE) == 0 || errno != EXDEV;
}

std::string DirectoryTree::WholeRepository() const {
  return "To have the repository elsewhere, move all of it: \"" + name_ + "\" itself may be a link, or a mount point.";
}

Status DirectoryTree::LinkError(const std::string& path, const std::string& what) const {
  for (const std::string& step : Steps(path)) {
    const Place place = Find(step);
    char target[PATH_MAX];
    const ssize_t length = place.directory < 0 ? -1 : readlinkat(place.directory, place.name, target, sizeof target);
    if (length < 0) continue;
    return Status(Code::kInvalidArgument, what + ": \"" + name_ + "/" + step + "\" is a symbolic link")
        .WithDetail("It leads to \"" + std::string(target, static_cast<size_t>(length)) +
                    "\". A link inside a repository is never followed: whoever made it could have any file read, "
                    "written or removed in its place.")
        .WithHint("Put what belongs to the repository in the link's place, or remove the link. " + WholeRepository());
  }
  return FileError(ELOOP, what);
}

Status DirectoryTree::FileSystemError(const std::string& path, const std::string& what) const {
  std::vector<std::string> steps = Steps(path);
  steps.push_back(kTempDirectory);
  for (const std::string& step : steps) {
    if (IsOnItsFileSystem(step)) continue;
    return Status(Code::kInvalidArgument,
                  what + ": \"" + name_ + "/" + step + "\" is on another file system than \"" + name_ + "\"")
        .WithDetail(
            "An object is written in \"" + name_ + "/" + kTempDirectory +
            "\" and then renamed to its place, which cannot be done from one file system, or mount, to another.")
        .WithHint("Bring it back to the file system of \"" + name_ + "\". " + WholeRepository());
  }
  return FileError(EXDEV, what);
}

Status DirectoryTree::Error(int error, const std::string& path, const std::string& what) const {
  if (error == ELOOP) return LinkError(path, what);
  if (error == EXDEV) return FileSystemError(path, what);
  if (error != ENOSPC && error != EDQUOT) return FileError(error, what);
  full_ = true;
  return FullStore(
      FileError(error, what),
      "Enlarge the file system or raise the quota, or remove what is not needed any more: \"pg_pitr expire\" can "
      "do so although there is no room, with the space that the repository keeps back for it, if it has some.");
}

}  // namespace pitr
