#include "core/restore/cluster_tree.h"

#include <dirent.h>
#include <fcntl.h>

#include <climits>
#include <filesystem>

#include "core/base/unreadable_file.h"
#include "core/base/user_name.h"
#include "core/restore/directory_way.h"
#include "core/restore/empty_place.h"
#include "core/restore/mount_point.h"
#include "core/store/file_error.h"

namespace pitr {
namespace {

constexpr std::string_view kTemporarySuffix = ".pg_pitr.tmp";
constexpr int kDirectoryFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

}  // namespace

bool IsTemporaryOf(std::string_view path, std::string_view name) {
  return name.size() == path.size() + kTemporarySuffix.size() && name.starts_with(path) &&
         name.ends_with(kTemporarySuffix);
}

Status ClusterTree::Problem(int error, const char* doing, std::string_view path) const {
  const std::string what = std::string(doing) + " \"" + Locate(path) + "\"";
  if (error == ENOENT) return {Code::kNotFound, what + ": no such file or directory"};
  if (error == ENOTEMPTY) return {Code::kConflict, what + ": it is not empty"};
  if (error == ELOOP || error == ENOTDIR || error == EISDIR || error == EEXIST)
    return {Code::kConflict, what + ": a file of another kind is there"};
  return FileError(error, what);
}

Result<ClusterTree> ClusterTree::Open(const std::string& data_directory) {
  ClusterTree tree;
  tree.data_directory_ = data_directory;
  tree.data_ = UniqueFd(open(data_directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!tree.data_.ok() && (errno == EACCES || errno == EPERM))
    return UnreadableFile("data directory", data_directory, errno);
  if (!tree.data_.ok())
    return tree.Problem(errno, "opening", "")
        .WithHint("Give a server's data directory, the one with PG_VERSION in it.");
  tree.locations_[""] = data_directory;
  return tree;
}

Result<ClusterTree> ClusterTree::OpenForSurvey(const std::string& data_directory) {
  auto opened = Open(data_directory);
  if (opened.ok()) {
    opened.value().survey_ = true;
    return opened;
  }
  if (opened.code() != Code::kNotFound) return opened;
  ClusterTree tree;
  tree.data_directory_ = data_directory;
  tree.locations_[""] = data_directory;
  tree.survey_ = true;
  tree.whole_ = false;
  return tree;
}

Result<ClusterTree> ClusterTree::OpenWithWal(const std::string& data_directory) {
  PITR_ASSIGN(ClusterTree tree, Open(data_directory));
  const auto link = tree.ReadLink(kWalDirectory);
  if (!link.ok()) return tree;  // a directory
  const std::filesystem::path wal = std::filesystem::path(data_directory) / link.value();
  PITR_TRY(tree.AddWalDirectory(wal.string()));
  return tree;
}

Status ClusterTree::AddRoot(const std::string& path, const std::string& directory) {
  auto opened = OpenDirectoryWay(directory);
  const bool absent = opened.code() == Code::kNotFound && survey_;
  if (!opened.ok() && !absent) return std::move(opened).status();
  whole_ &= !absent;
  links_[path] = absent ? UniqueFd() : std::move(opened).value();
  locations_[path] = directory;
  return Status::Ok();
}

Status ClusterTree::AddTablespace(const std::string& oid, const std::string& directory) {
  return AddRoot(std::string(kTablespaceDirectory) + "/" + oid, directory);
}

Status ClusterTree::AddWalDirectory(const std::string& directory) {
  return AddRoot(std::string(kWalDirectory), directory);
}

ClusterTree::Step ClusterTree::RootOf(std::string_view path) const {
  // Without a slash behind it the path names the link itself, which lies in the data directory.
  size_t slash = path.find('/');
  if (slash != std::string_view::npos && path.substr(0, slash) == kTablespaceDirectory)
    slash = path.find('/', slash + 1);
  if (slash != std::string_view::npos) {
    const auto found = links_.find(path.substr(0, slash));
    if (found != links_.end()) return {found->second.get(), path.substr(slash + 1)};
  }
  return {data_.get(), path};
}

std::string ClusterTree::Locate(std::string_view path) const {
  for (const auto& [root, directory] : locations_) {
    if (!root.empty() && path.size() > root.size() && path.starts_with(root) && path[root.size()] == '/')
      return directory + std::string(path.substr(root.size()));
  }
  return path.empty() ? data_directory_ : data_directory_ + "/" + std::string(path);
}

Result<UniqueFd> ClusterTree::Walk(Step step, std::string_view whole) const {
  if (step.root < 0) return Problem(ENOENT, "opening", whole);
  UniqueFd at(openat(step.root, ".", kDirectoryFlags));
  if (!at.ok()) return Problem(errno, "opening", whole);
  for (std::string_view rest = step.rest; !rest.empty();) {
    const size_t slash = rest.find('/');
    const std::string name(rest.substr(0, slash));
    rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1);
    // Maps are checked when they are read; this is the last line.
    if (name.empty() || name == "." || name == "..")
      return Status(Code::kInternal, "path \"" + std::string(whole) + "\" is not a plain one");
    UniqueFd next(openat(at.get(), name.c_str(), kDirectoryFlags));
    if (!next.ok()) return Problem(errno, "opening", whole);
    at = std::move(next);
  }
  return at;
}

Result<UniqueFd> ClusterTree::OpenDirectory(std::string_view path) const {
  // What a link leads to is reached through its root, not through the link.
  if (const auto found = links_.find(path); found != links_.end()) return Walk({found->second.get(), ""}, path);
  return Walk(RootOf(path), path);
}

Result<UniqueFd> ClusterTree::OpenParent(std::string_view path, std::string& name) const {
  Step step = RootOf(path);
  const size_t slash = step.rest.rfind('/');
  name = step.rest.substr(slash == std::string_view::npos ? 0 : slash + 1);
  if (name.empty() || name == "." || name == "..")
    return Status(Code::kInternal, "path \"" + std::string(path) + "\" is not a plain one");
  step.rest = slash == std::string_view::npos ? std::string_view() : step.rest.substr(0, slash);
  return Walk(step, path);
}

Result<UniqueFd> ClusterTree::OpenFile(std::string_view path, int flags, mode_t mode) const {
  std::string name;
  PITR_ASSIGN(const UniqueFd parent, OpenParent(path, name));
  UniqueFd fd(openat(parent.get(), name.c_str(), flags | O_NOFOLLOW | O_CLOEXEC, mode));
  if (!fd.ok()) return Problem(errno, "opening", path);
  return fd;
}

Result<struct stat> ClusterTree::Stat(std::string_view path) const {
  std::string name;
  PITR_ASSIGN(const UniqueFd parent, OpenParent(path, name));
  struct stat info;
  if (fstatat(parent.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return Problem(errno, "looking at", path);
  return info;
}

Result<bool> ClusterTree::Has(std::string_view path) const {
  const auto info = Stat(path);
  if (info.code() == Code::kNotFound) return false;
  if (!info.ok()) return info.status();
  return true;
}

Result<bool> ClusterTree::IsMountPoint(std::string_view path) const {
  std::string name;
  PITR_ASSIGN(const UniqueFd parent, OpenParent(path, name));
  const auto mounted = IsMountPointIn(parent.get(), name);
  if (mounted || errno == ENOENT) return mounted.value_or(false);
  return Problem(errno, "looking at", path);
}

Result<std::string> ClusterTree::ReadLink(std::string_view path) const {
  std::string name;
  PITR_ASSIGN(const UniqueFd parent, OpenParent(path, name));
  char target[PATH_MAX];
  const ssize_t length = readlinkat(parent.get(), name.c_str(), target, sizeof target);
  if (length < 0) return Problem(errno == EINVAL ? EEXIST : errno, "reading link", path);
  return std::string(target, static_cast<size_t>(length));
}

Status ClusterTree::SetMode(std::string_view path, mode_t mode) const {
  std::string name;
  PITR_ASSIGN(const UniqueFd parent, OpenParent(path, name));
  if (fchmodat(parent.get(), name.c_str(), mode, AT_SYMLINK_NOFOLLOW) != 0)
    return Problem(errno, "changing the mode of", path);
  return Status::Ok();
}

Status ClusterTree::MakeAccessible(std::string_view path) const {
  const auto info = Stat(path);
  if (info.code() == Code::kNotFound) return Status::Ok();
  if (!info.ok()) return info.status();
  const mode_t mode = info.value().st_mode;
  if (!S_ISDIR(mode) || (mode & S_IRWXU) == S_IRWXU) return Status::Ok();
  return SetMode(path, (mode & 07777) | S_IRWXU);
}

Result<std::vector<std::string>> ClusterTree::List(std::string_view path) const {
  PITR_ASSIGN(UniqueFd fd, OpenDirectory(path));
  DIR* directory = fdopendir(fd.get());
  if (directory == nullptr) return Problem(errno, "reading", path);
  fd.Release();
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = readdir(directory)) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
    errno = 0;
  }
  const int error = errno;
  closedir(directory);
  if (error != 0) return Problem(error, "reading", path);
  return names;
}

Status CheckMayBeGiven(int directory, const std::string& name, uid_t user) {
  struct stat info;
  if (fstat(directory, &info) != 0) return FileError(errno, "looking at \"" + name + "\"");
  if (info.st_uid == user || HoldsNoFiles(directory)) return Status::Ok();
  return Status(Code::kInvalidArgument, "\"" + name + "\" belongs to another user and is not empty")
      .WithDetail("It belongs to user " + DescribeUser(info.st_uid) + ", and the data directory to user " +
                  DescribeUser(user) + ". A restore by root gives away nothing but what is empty.")
      .WithHint("Check its name. If it is the cluster's, give it to that user (chown), or run as that user.");
}

Status ClusterTree::GiveRootsToOwner() const {
  if (!set_owner_) return Status::Ok();
  for (const auto& [path, directory] : links_) {
    PITR_TRY(CheckMayBeGiven(directory.get(), locations_.at(path), uid_));
    PITR_TRY(GiveToOwner(directory.get(), path));
  }
  return Status::Ok();
}

Status ClusterTree::GiveToOwner(int fd, std::string_view path) const {
  if (set_owner_ && fchown(fd, uid_, gid_) != 0) return Problem(errno, "changing the owner of", path);
  return Status::Ok();
}

Status ClusterTree::MakeDirectory(std::string_view path, mode_t mode) const {
  std::string name;
  PITR_ASSIGN(const UniqueFd parent, OpenParent(path, name));
  if (mkdirat(parent.get(), name.c_str(), mode) != 0 && errno != EEXIST)
    return Problem(errno, "creating directory", path);
  UniqueFd made(openat(parent.get(), name.c_str(), kDirectoryFlags));
  if (!made.ok()) return Problem(errno, "creating directory", path);
  PITR_TRY(GiveToOwner(made.get(), path));
  // mkdir obeys the umask.
  if (fchmod(made.get(), mode) != 0) return Problem(errno, "changing the mode of", path);
  return Status::Ok();
}

Status ClusterTree::MakeLink(std::string_view path, const std::string& target) const {
  std::string name;
  PITR_ASSIGN(const UniqueFd parent, OpenParent(path, name));
  struct stat info;
  if (fstatat(parent.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0) {
    if (!S_ISLNK(info.st_mode)) return Problem(EEXIST, "creating link", path);
    if (unlinkat(parent.get(), name.c_str(), 0) != 0) return Problem(errno, "removing link", path);
  }
  if (symlinkat(target.c_str(), parent.get(), name.c_str()) != 0) return Problem(errno, "creating link", path);
  if (set_owner_ && fchownat(parent.get(), name.c_str(), uid_, gid_, AT_SYMLINK_NOFOLLOW) != 0)
    return Problem(errno, "changing the owner of", path);
  return Status::Ok();
}

Status ClusterTree::Unlink(std::string_view path) const {
  std::string name;
  auto parent = OpenParent(path, name);
  if (!parent.ok()) return parent.code() == Code::kNotFound ? Status::Ok() : parent.status();
  if (unlinkat(parent.value().get(), name.c_str(), 0) != 0 && errno != ENOENT) return Problem(errno, "removing", path);
  return Status::Ok();
}

Status ClusterTree::RemoveDirectory(std::string_view path) const {
  std::string name;
  PITR_ASSIGN(const UniqueFd parent, OpenParent(path, name));
  if (unlinkat(parent.get(), name.c_str(), AT_REMOVEDIR) != 0) return Problem(errno, "removing directory", path);
  return Status::Ok();
}

Status ClusterTree::Rename(std::string_view from, std::string_view to) const {
  std::string from_name, to_name;
  PITR_ASSIGN(const UniqueFd from_parent, OpenParent(from, from_name));
  PITR_ASSIGN(const UniqueFd to_parent, OpenParent(to, to_name));
  if (renameat(from_parent.get(), from_name.c_str(), to_parent.get(), to_name.c_str()) != 0)
    return Problem(errno, "renaming", from);
  return Status::Ok();
}

Status ClusterTree::SyncDirectory(std::string_view path) const {
  PITR_ASSIGN(const UniqueFd directory, OpenDirectory(path));
  if (fsync(directory.get()) != 0) return Problem(errno, "syncing", path);
  return Status::Ok();
}

Status ClusterTree::WriteWhole(std::string_view path, ByteView content, mode_t mode) const {
  const std::string temporary = std::string(path) + std::string(kTemporarySuffix);
  {
    PITR_ASSIGN(UniqueFd fd, OpenFile(temporary, O_WRONLY | O_CREAT | O_TRUNC, mode));
    for (size_t done = 0; done < content.size();) {
      const ssize_t written = write(fd.get(), content.data() + done, content.size() - done);
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return Problem(errno, "writing", temporary);
      done += static_cast<size_t>(written);
    }
    PITR_TRY(GiveToOwner(fd.get(), temporary));
    if (fchmod(fd.get(), mode) != 0) return Problem(errno, "changing the mode of", temporary);
    if (fsync(fd.get()) != 0) return Problem(errno, "syncing", temporary);
    if (int error = fd.Close()) return Problem(error, "closing", temporary);
  }
  PITR_TRY(Rename(temporary, path));
  const size_t slash = path.rfind('/');
  return SyncDirectory(slash == std::string_view::npos ? std::string_view() : path.substr(0, slash));
}

Result<Bytes> ClusterTree::ReadWhole(std::string_view path, size_t max_bytes) const {
  PITR_ASSIGN(const UniqueFd fd, OpenFile(path, O_RDONLY | O_NONBLOCK));
  struct stat info;
  if (fstat(fd.get(), &info) != 0) return Problem(errno, "looking at", path);
  if (!S_ISREG(info.st_mode)) return Problem(EISDIR, "reading", path);
  Bytes content;
  uint8_t buffer[16384];
  for (;;) {
    const ssize_t got = read(fd.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Problem(errno, "reading", path);
    if (got == 0) return content;
    if (content.size() + static_cast<size_t>(got) > max_bytes)
      return Status(Code::kInvalidArgument, "\"" + Locate(path) + "\" is too large");
    content.insert(content.end(), buffer, buffer + got);
  }
}

}  // namespace pitr
