// Objects as files below one directory: file:///dir. Made for local disks and NFS.
//
// Creation: the bytes go to a temporary file in `.tmp~` under the root (same file system), are fsynced, and
// the file gets its name by renameat2(RENAME_NOREPLACE), or link() where that is not supported; then the
// directories are fsynced. So a file under a key is always whole, and nothing is ever replaced. What a
// crash leaves in `.tmp~` is harmless; ListUploads shows it and AbortUpload removes it. A file that is found under its
// key may be one whose directory was never synced, because its creator died or met an error: "already exists" is said
// after syncing it, and Settle() does so.
//
// A full file system must not keep an expiry from freeing it: directory_reserve.h.
//
// A missing file system must never look like an empty archive. Every operation first opens the root, which
// must exist and must either contain `.tmp~` (made when the store is created) or not be empty (a copied
// repository): an empty directory without `.tmp~` is most likely a mount point whose file system is not
// mounted. Otherwise the operation is kInvalidArgument, never kNotFound and never a silent success.
//
// Below the root no symbolic link is followed, and a listing that meets one is an error (directory_tree.h).
//
// A key cannot be an object and the parent of others at once ("a" and "a/b"), and keys under the names that
// file systems keep for themselves ("lost+found", ".snapshot", ".zfs") are refused: kInvalidArgument.
// Files have mode 0640 and directories 0750, whatever the umask. Keys hold no '~', so none can
// collide with `.tmp~`. Deadlines and cancellation are seen between system calls, not within one.
#pragma once
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "core/store/directory_tree.h"
#include "core/store/object_store.h"

namespace pitr {

class DirectoryStore final : public ObjectStore {
 public:
  // `root` is an absolute path. With `create` the directory (not what is above it) and `.tmp~` are made when missing;
  // without, nothing is touched and a missing root is reported by the first operation.
  // kInvalidArgument for a relative path, else as FileError().
  static Result<std::unique_ptr<DirectoryStore>> Open(const std::string& root, bool create);

  Status Create(const std::string& key, ByteView body, const OpContext& ctx) override;
  Status Get(const std::string& key, ByteRange range, const ByteSink& sink, const OpContext& ctx) override;
  Result<ObjectInfo> Stat(const std::string& key, const OpContext& ctx) override;
  Result<ListPage> List(const std::string& prefix, const std::string& start_after, const OpContext& ctx) override;
  // Also removes the directories this leaves empty.
  Status Delete(const std::vector<std::string>& keys, const OpContext& ctx) override;
  // An upload is one temporary file that the parts are written into at their offsets.
  Result<std::string> BeginUpload(const std::string& key, const OpContext& ctx) override;
  // The part is on disk when this returns. Must not run at the same time as CompleteUpload of its upload.
  Result<UploadPart> PutPart(const std::string& key, const std::string& upload_id, int number, uint64_t offset,
                             ByteView body, const OpContext& ctx) override;
  Status CompleteUpload(const std::string& key, const std::string& upload_id, const std::vector<UploadPart>& parts,
                        const OpContext& ctx) override;
  Status AbortUpload(const std::string& key, const std::string& upload_id, const OpContext& ctx) override;
  Result<std::vector<PendingUpload>> ListUploads(const std::string& prefix, const OpContext& ctx) override;
  Status Settle(const std::vector<std::string>& keys, const OpContext& ctx) override;
  Result<std::optional<ObjectLock>> GetLock(const std::string& key, const OpContext& ctx) override;
  Status ExtendLock(const std::string& key, const ObjectLock& lock, const OpContext& ctx) override;
  // Looks at the directories of the prefixes and those in them.
  Status CheckPrefixes(const std::vector<std::string>& prefixes, const OpContext& ctx) override;
  void OpenReserve() override { reserve_open_ = true; }
  Status RefillReserve() override;
  StoreCapabilities capabilities() const override { return {.conditional_create = true}; }
  std::string Describe() const override { return "file://" + root_; }

 private:
  struct DirectoryId {  // one incarnation of a directory: inode numbers are reused, birth times are not
    uint64_t device = 0, inode = 0;
    int64_t birth_nanos = 0;
    bool operator==(const DirectoryId&) const = default;
  };

  explicit DirectoryStore(std::string root) : root_(std::move(root)) {}
  Result<DirectoryTree> OpenTree() const;
  // "writing", "wal/1" -> `writing "wal/1" in file:///dir`
  std::string What(const char* doing, std::string_view key) const;
  Status MakeParents(const DirectoryTree& tree, const std::string& path) const;
  Result<UniqueFd> OpenTemp(const DirectoryTree& tree, const std::string& path, const std::string& key) const;
  Result<UniqueFd> OpenUpload(const DirectoryTree& tree, const std::string& id, const std::string& key) const;
  Status CreateOnce(const DirectoryTree& tree, const std::string& key, ByteView body, const OpContext& ctx);
  Status WriteAt(const DirectoryTree& tree, int fd, uint64_t offset, ByteView body, const std::string& key,
                 const OpContext& ctx) const;
  // What creating an object whose key is taken says: kAlreadyExists once that is durable.
  Status Exists(const DirectoryTree& tree, const std::string& key);
  Status SettleFile(const DirectoryTree& tree, const std::string& key) const;
  // Gives the synced temporary file its key, durably.
  Status Publish(const DirectoryTree& tree, const std::string& temp, int temp_fd, const std::string& key);
  // One attempt to: 0 or errno.
  int Rename(const DirectoryTree& tree, const std::string& temp, int temp_fd, const std::string& key) const;
  // Makes the entries of `directory` durable, and those that lead to it unless they are known to be.
  Status SyncDirectories(const DirectoryTree& tree, std::string directory);
  // The path of the nearest directory at or above `directory` that is not empty.
  std::string RemoveEmpty(const DirectoryTree& tree, std::string directory) const;

  const std::string root_;
  std::atomic<bool> reserve_open_{false};
  std::mutex mutex_;
  std::map<std::string, DirectoryId>
      durable_;  // directories whose entry in their parent is on disk; protected by mutex_
};

}  // namespace pitr
