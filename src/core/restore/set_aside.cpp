#include "core/restore/set_aside.h"

#include <fcntl.h>
#include <unistd.h>

#include "core/store/file_error.h"

namespace pitr {
namespace {

constexpr int kMaxAsideDepth = 64;
constexpr size_t kCopyBytes = size_t{256} << 10;

std::string DirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : path.substr(0, slash);
}

}  // namespace

Status SetAside::MakeParents(const std::string& path) {
  for (size_t slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    const std::string directory = path.substr(0, slash);
    if (made_.insert(directory).second) PITR_TRY(tree_.MakeDirectory(directory, 0700));
  }
  return Status::Ok();
}

Status SetAside::Move(const std::string& path) {
  PITR_ASSIGN(const struct stat there, tree_.Stat(path));
  struct stat top;
  if (fstat(tree_.data_fd(), &top) != 0) return FileError(errno, "looking at \"" + tree_.data_directory() + "\"");
  // A name that is taken was moved by the restore that this one continues, and somebody made another file since.
  std::string to = directory_ + "/" + path;
  for (int again = 2; tree_.Stat(to).ok(); ++again) to = directory_ + "/" + path + "~" + std::to_string(again);
  PITR_TRY(MakeParents(to));
  moved_.insert(DirectoryOf(path));
  // A directory that gets another parent must itself be writable.
  PITR_TRY(tree_.MakeAccessible(path));
  if (there.st_dev == top.st_dev) return tree_.Rename(path, to);
  PITR_TRY(Copy(path, to, 0));
  // To another file system: nothing goes before all of it is there durably.
  PITR_TRY(Sync());
  return Remove(path);
}

Status SetAside::Copy(const std::string& from, const std::string& to, int depth) {
  if (depth > kMaxAsideDepth) return {Code::kConflict, "\"" + tree_.Locate(from) + "\" is nested too deeply"};
  PITR_ASSIGN(const struct stat info, tree_.Stat(from));
  if (S_ISREG(info.st_mode)) return CopyFile(from, to, info.st_mode & 07777);
  if (S_ISLNK(info.st_mode)) {
    PITR_ASSIGN(const std::string target, tree_.ReadLink(from));
    return tree_.MakeLink(to, target);
  }
  if (!S_ISDIR(info.st_mode)) return Status::Ok();
  PITR_TRY(tree_.MakeDirectory(to, 0700));
  made_.insert(to);
  PITR_TRY(tree_.MakeAccessible(from));
  PITR_ASSIGN(const std::vector<std::string> names, tree_.List(from));
  for (const std::string& name : names) PITR_TRY(Copy(from + "/" + name, to + "/" + name, depth + 1));
  return Status::Ok();
}

// What was copied, no deeper than Copy() went.
Status SetAside::Remove(const std::string& path) const {
  PITR_ASSIGN(const struct stat info, tree_.Stat(path));
  if (!S_ISDIR(info.st_mode)) return tree_.Unlink(path);
  PITR_ASSIGN(const std::vector<std::string> names, tree_.List(path));
  for (const std::string& name : names) PITR_TRY(Remove(path + "/" + name));
  return tree_.RemoveDirectory(path);
}

Status SetAside::CopyFile(const std::string& from, const std::string& to, mode_t mode) const {
  PITR_ASSIGN(const UniqueFd in, tree_.OpenFile(from, O_RDONLY | O_NONBLOCK));
  PITR_ASSIGN(UniqueFd out, tree_.OpenFile(to, O_WRONLY | O_CREAT | O_TRUNC, 0600));
  Bytes buffer(kCopyBytes);
  for (;;) {
    const ssize_t got = read(in.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return FileError(errno, "reading \"" + tree_.Locate(from) + "\"");
    if (got == 0) break;
    for (ssize_t done = 0; done < got;) {
      const ssize_t put = write(out.get(), buffer.data() + done, static_cast<size_t>(got - done));
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return FileError(errno, "writing \"" + tree_.Locate(to) + "\"");
      done += put;
    }
  }
  PITR_TRY(tree_.GiveToOwner(out.get(), to));
  if (fchmod(out.get(), mode) != 0) return FileError(errno, "changing the mode of \"" + tree_.Locate(to) + "\"");
  if (fsync(out.get()) != 0) return FileError(errno, "syncing \"" + tree_.Locate(to) + "\"");
  if (const int error = out.Close()) return FileError(error, "closing \"" + tree_.Locate(to) + "\"");
  return tree_.SyncDirectory(DirectoryOf(to));
}

Status SetAside::Sync() {
  if (made_.empty()) return Status::Ok();
  for (const std::string& directory : made_) PITR_TRY(tree_.SyncDirectory(directory));
  // From a directory that was removed afterwards nothing is left to sync.
  for (const std::string& directory : moved_)
    if (const Status synced = tree_.SyncDirectory(directory); !synced.ok() && synced.code() != Code::kNotFound)
      return synced;
  return tree_.SyncDirectory("");
}

}  // namespace pitr
