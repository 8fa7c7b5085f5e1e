// What is below the root of a directory store, reached over no symbolic link. Whoever may write to the repository could
// otherwise have another user, root above all, read, write, give away or remove files anywhere. The root itself, and
// the way to it, may be links. All that a directory store does to files goes through here: the root's descriptor does
// not leave.
//
// Paths are relative to the root and have no "." or ".." segment; "" is the root. What fails leaves errno, ELOOP where
// the path is a link or leads over one, and Error() makes a Status of it. One thread at a
// time.
#pragma once
#include <sys/stat.h>

#include <string>

#include "core/base/status.h"
#include "core/base/unique_fd.h"

namespace pitr {

inline constexpr mode_t kFileMode = 0640;
inline constexpr mode_t kDirectoryMode = 0750;
// For whoever finds none.
inline constexpr char kWhoMakesAStore[] =
    "A new one is made by the server: when it first archives, or by SELECT * FROM pitr_check().";
inline constexpr char kTempDirectory[] = ".tmp~";  // where files are before they have their names

class DirectoryTree {
 public:
  // `root` is an absolute path. kInvalidArgument when there is no such directory, else as FileError.
  static Result<DirectoryTree> Open(const std::string& root);
  // The same; the directory, not what is above it, is made when it is missing, and the way to it durable.
  static Result<DirectoryTree> Make(const std::string& root);

  // As openat(). Opening waits for nothing, whatever kind of file it is.
  UniqueFd Open(const std::string& path, int flags, mode_t mode = 0) const;
  // The rest: 0, or -1 and errno.
  int Stat(const std::string& path, struct stat* info) const;
  // Of an entry of a directory that Open() gave. Tells of a link that it is one.
  static int StatEntry(int directory, const char* name, struct stat* info);
  int MakeDirectory(const std::string& path, mode_t mode) const;  // mode whatever the umask
  int Unlink(const std::string& path, int flags) const;
  int RenameNoReplace(const std::string& from, const std::string& to) const;
  int Link(const std::string& from, const std::string& to) const;
  // What root makes (a pin, the hold of a restore) must be readable for the server whose store it is. Where owners
  // cannot be changed it stays root's.
  void GiveToOwner(int file) const;

  // False for a directory that is on another file system than the root, or mounted by itself: no file can be renamed
  // into it. True when it is not there.
  bool IsOnItsFileSystem(const std::string& directory) const;

  // What `error` means that an operation on `path` left; `what` as for FileError. A link and a part that is on another
  // file system (EXDEV) are kInvalidArgument, and named.
  Status Error(int error, const std::string& path, const std::string& what) const;
  // Whether Error() has been told of a lack of space.
  bool full() const { return full_; }

 private:
  struct Place;  // the directory an entry is in, and its name there

  DirectoryTree(std::string name, UniqueFd root) : name_(std::move(name)), root_(std::move(root)) {}
  Place Find(const std::string& path) const;
  std::string WholeRepository() const;
  Status LinkError(const std::string& path, const std::string& what) const;
  Status FileSystemError(const std::string& path, const std::string& what) const;

  std::string name_;
  UniqueFd root_;
  mutable bool full_ = false;
};

}  // namespace pitr
