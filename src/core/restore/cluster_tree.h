// A data directory and its tablespaces as one tree of relative paths, as a file map names them: what is below
// pg_tblspc/<oid>/ lies in the tablespace's own directory, and what is below pg_wal/ where its link leads, if it is
// one.
//
// Invariant: every path is walked from a root component by component without following symbolic links, so nothing
// outside the roots is read or written, whatever the directory contains. Constant after the roots are added; then any
// thread.
#pragma once
#include <sys/stat.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/status.h"
#include "core/base/unique_fd.h"

namespace pitr {

inline constexpr std::string_view kTablespaceDirectory = "pg_tblspc";
inline constexpr std::string_view kWalDirectory = "pg_wal";

// Whether WriteWhole(`path`) may have left a file of this name when it was killed.
bool IsTemporaryOf(std::string_view path, std::string_view name);

// kInvalidArgument when root must not make the open `directory` the user's: it is another's and holds files, and
// nothing has led here but a name.
Status CheckMayBeGiven(int directory, const std::string& name, uid_t user);

class ClusterTree {
 public:
  // `data_directory` exists (it may itself be reached through a link: the operator named it).
  static Result<ClusterTree> Open(const std::string& data_directory);
  // For looking only: what is not there yet, the data directory or what AddTablespace() names, is absent.
  static Result<ClusterTree> OpenForSurvey(const std::string& data_directory);
  // The same of a server's directory as it is now: where pg_wal is a link, WAL is where that leads.
  static Result<ClusterTree> OpenWithWal(const std::string& data_directory);
  // `directory` exists and is absolute.
  Status AddTablespace(const std::string& oid, const std::string& directory);
  // WAL is in `directory` (as AddTablespace's), to which pg_wal is a link.
  Status AddWalDirectory(const std::string& directory);

  int data_fd() const { return data_.get(); }
  // Whether the data directory and every root exist.
  bool whole() const { return whole_; }
  const std::string& data_directory() const { return data_directory_; }
  // Roots by path: "" for the data directory, "pg_tblspc/<oid>" for each tablespace, "pg_wal" when that is a link; the
  // value is where it is.
  const std::map<std::string, std::string>& roots() const { return locations_; }

  // Where `path` is on disk, for messages.
  std::string Locate(std::string_view path) const;

  // kNotFound when absent; kConflict when a component is a symbolic link or not a directory. Others as FileError.
  Result<UniqueFd> OpenDirectory(std::string_view path) const;
  // `flags` as open(2); O_NOFOLLOW and O_CLOEXEC are added. kNotFound, kConflict (a link, a directory), FileError.
  Result<UniqueFd> OpenFile(std::string_view path, int flags, mode_t mode = 0600) const;
  // Not following links. kNotFound.
  Result<struct stat> Stat(std::string_view path) const;
  Result<bool> Has(std::string_view path) const;  // anything of that name
  // Whether a file system is mounted at `path` (a bind mount counts). False for what is absent.
  Result<bool> IsMountPoint(std::string_view path) const;
  // Where a symbolic link leads, as it is written there. kNotFound; kConflict when it is none.
  Result<std::string> ReadLink(std::string_view path) const;
  // The permission bits of a file or directory. Not of a link.
  Status SetMode(std::string_view path, mode_t mode) const;
  // Lets the owner read, write and enter a directory that forbids it. Nothing for what is absent or no directory.
  Status MakeAccessible(std::string_view path) const;

  // Names in a directory, without "." and "..", in no order. kNotFound, kConflict.
  Result<std::vector<std::string>> List(std::string_view path) const;

  // Makes a directory; one that exists is success and its mode is set. kConflict when something else is there.
  Status MakeDirectory(std::string_view path, mode_t mode) const;
  // The symbolic link `path` to `target`; an existing link is replaced, anything else is kConflict.
  Status MakeLink(std::string_view path, const std::string& target) const;
  // A file or link; absent is success. Durable once its directory has been synced.
  Status Unlink(std::string_view path) const;
  Status RemoveDirectory(std::string_view path) const;              // an empty one
  Status Rename(std::string_view from, std::string_view to) const;  // within one file system
  Status SyncDirectory(std::string_view path) const;

  // Replaces `path` as a whole: temporary file, fsync, rename, fsync of the directory.
  Status WriteWhole(std::string_view path, ByteView content, mode_t mode) const;
  // kNotFound; kInvalidArgument when larger than `max_bytes`.
  Result<Bytes> ReadWhole(std::string_view path, size_t max_bytes) const;

  // When set, everything made belongs to this user: for root, who restores into a directory of the server's user.
  void SetOwner(uid_t uid, gid_t gid) { uid_ = uid, gid_ = gid, set_owner_ = true; }
  // Gives an open file the owner set; nothing without one.
  Status GiveToOwner(int fd, std::string_view path) const;
  // The directories that links lead to, which may have been there before. Errors as CheckMayBeGiven.
  Status GiveRootsToOwner() const;

 private:
  ClusterTree() = default;
  Status AddRoot(const std::string& path, const std::string& directory);
  struct Step {
    int root;               // borrowed
    std::string_view rest;  // below it; empty: the root itself
  };
  Step RootOf(std::string_view path) const;
  // The directory that holds the last component of `path`.
  Result<UniqueFd> OpenParent(std::string_view path, std::string& name) const;
  Result<UniqueFd> Walk(Step step, std::string_view whole) const;
  Status Problem(int error, const char* doing, std::string_view path) const;

  std::string data_directory_;
  UniqueFd data_;
  std::map<std::string, UniqueFd, std::less<>> links_;  // what links in the data directory lead to, by path
  std::map<std::string, std::string> locations_;
  uid_t uid_ = 0;
  gid_t gid_ = 0;
  bool set_owner_ = false;
  bool survey_ = false;
  bool whole_ = true;
};

}  // namespace pitr
