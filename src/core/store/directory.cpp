#include "core/store/directory.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <set>

#include "core/store/directory_walk.h"
#include "core/store/file_error.h"
#include "core/store/upload_rules.h"

namespace pitr {
namespace {

constexpr size_t kLaterListPage = 65536;
constexpr char kTempDirectory[] = ".tmp~";
constexpr mode_t kFileMode = 0640;
constexpr mode_t kDirectoryMode = 0750;
constexpr size_t kPieceBytes = size_t{1} << 20;  // one read or write call
constexpr size_t kReadAheadBytes = size_t{16} << 20;
constexpr size_t kTempNameBytes = 200;  // of a path segment; NAME_MAX is 255
constexpr size_t kUploadIdBytes = 32;
constexpr int kMaxRaces = 64;  // attempts against somebody removing empty directories
constexpr size_t kMaxRemembered = 10000;

std::string Parent(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

const char* OrDot(const std::string& directory) { return directory.empty() ? "." : directory.c_str(); }

// 16 hex digits of wall time in microseconds, 16 of randomness: unique across processes and hosts.
std::string NewUploadId(int64_t wall_micros) {
  uint64_t random = 0;
  while (getrandom(&random, sizeof random, 0) != sizeof random) {}
  char id[kUploadIdBytes + 1];
  snprintf(id, sizeof id, "%016" PRIx64 "%016" PRIx64, static_cast<uint64_t>(wall_micros), random);
  return id;
}

bool IsUploadId(std::string_view id) {
  return id.size() == kUploadIdBytes && id.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// Where the temporary file of an upload is. The name carries the key, with '~' for '/', so that a leftover can
// be told; a name too long for the file system is cut into directories.
std::string TempPath(const std::string& id, const std::string& key) {
  std::string name = id + "~" + key + "~";  // the last one so that no segment can be "." or ".."
  std::replace(name.begin(), name.end(), '/', '~');
  std::string path = kTempDirectory;
  for (size_t at = 0; at < name.size(); at += kTempNameBytes) path += "/" + name.substr(at, kTempNameBytes);
  return path;
}

// The inverse; false for a file that is none of ours.
bool ParseTempPath(const std::string& path, PendingUpload* upload) {
  std::string name = path.substr(std::min(path.size(), sizeof kTempDirectory));
  std::erase(name, '/');
  if (name.size() < kUploadIdBytes + 3 || name[kUploadIdBytes] != '~' || !name.ends_with('~')) return false;
  name.pop_back();
  upload->upload_id = name.substr(0, kUploadIdBytes);
  upload->key = name.substr(kUploadIdBytes + 1);
  std::replace(upload->key.begin(), upload->key.end(), '~', '/');
  if (!IsUploadId(upload->upload_id) || !CheckKey(upload->key).ok()) return false;
  upload->initiated_micros = strtoll(upload->upload_id.substr(0, 16).c_str(), nullptr, 16);
  return true;
}

Status CheckDirectoryKey(const std::string& key) {
  PITR_TRY(CheckKey(key));
  if (IsForeignRootName(key.substr(0, key.find('/'))))
    return {Code::kInvalidArgument,
            "object key \"" + key + "\" begins with a name that file systems keep for themselves"};
  return Status::Ok();
}

// 0 or errno. Some file systems cannot sync directories and say so; theirs are synchronous.
int SyncDirectory(int root, const std::string& directory) {
  UniqueFd fd(openat(root, OrDot(directory), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.ok()) return errno;
  if (fsync(fd.get()) != 0 && errno != EINVAL && errno != EBADF) return errno;
  return 0;
}

// What root makes (a pin, the hold of a restore) must be readable for the server whose store it is. `path` is relative
// to `root` and not followed; where owners cannot be changed it stays root's.
void GiveToOwner(int root, const std::string& path) {
  struct stat info {};
  if (geteuid() != 0 || fstat(root, &info) != 0 || info.st_uid == 0) return;
  if (fchownat(root, path.c_str(), info.st_uid, info.st_gid, AT_SYMLINK_NOFOLLOW) != 0) return;
}

// Part extents from what PutPart returned.
Result<std::vector<PartExtent>> Extents(const std::string& key, const std::vector<UploadPart>& parts) {
  std::vector<PartExtent> extents;
  for (const UploadPart& part : parts) {
    PartExtent extent{.number = part.number};
    int used = 0;
    if (sscanf(part.etag.c_str(), "%" SCNu64 "+%" SCNu64 "%n", &extent.offset, &extent.length, &used) != 2 ||
        used != static_cast<int>(part.etag.size()))
      return Status(Code::kInvalidArgument, "upload of \"" + key + "\": unknown part \"" + part.etag + "\"");
    extents.push_back(extent);
  }
  return extents;
}

}  // namespace

Result<std::unique_ptr<DirectoryStore>> DirectoryStore::Open(const std::string& root, bool create) {
  if (!root.starts_with('/'))
    return Status(Code::kInvalidArgument, "directory \"" + root + "\" of the store is not an absolute path");
  std::string clean = root;
  while (clean.size() > 1 && clean.ends_with('/')) clean.pop_back();
  std::unique_ptr<DirectoryStore> store(new DirectoryStore(clean));
  if (!create) return store;
  // Only the store's own directory is made: what should be above it may be mistyped, or not mounted.
  const std::string above = Parent(clean);
  struct stat info {};
  if (stat(above.empty() ? "/" : above.c_str(), &info) != 0 && (errno == ENOENT || errno == ENOTDIR))
    return Status(Code::kInvalidArgument, "directory \"" + above + "\" does not exist")
        .WithDetail("The store would be made in it, as \"" + clean + "\".")
        .WithHint(
            "Check the path for a typing error, and that its file system is mounted. If it is right, make that "
            "directory first.");
  UniqueFd top(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!top.ok()) return FileError(errno, "opening \"/\"");
  const std::string temp = clean.substr(1) + "/" + kTempDirectory;
  PITR_TRY(store->MakeParents(top.get(), temp + "/x"));
  // The way to the store may be readable to this user only in its last steps; those are ours and must be durable.
  for (std::string made = clean.substr(1);; made = Parent(made)) {
    const int error = SyncDirectory(top.get(), made);
    if (error != 0 && error != EACCES) return FileError(error, "syncing directory \"/" + made + "\"");
    if (made.empty()) break;
  }
  return store;
}

std::string DirectoryStore::What(const char* doing, std::string_view key) const {
  return std::string(doing) + " \"" + std::string(key) + "\" in " + Describe();
}

Result<UniqueFd> DirectoryStore::OpenRoot() const {
  UniqueFd root(open(root_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root.ok() && (errno == ENOENT || errno == ENOTDIR))
    return Status(Code::kInvalidArgument, "directory \"" + root_ + "\" of the store does not exist")
        .WithHint("Check the path and that its file system is mounted. A new store has to be created first.");
  if (!root.ok()) return FileError(errno, "opening directory \"" + root_ + "\" of the store");
  struct stat st {};
  if (fstatat(root.get(), kTempDirectory, &st, 0) == 0) return root;
  if (errno != ENOENT) return FileError(errno, "opening directory \"" + root_ + "\" of the store");
  auto any = WalkKeys(root.get(), {.limit = 1}, OpContext{});
  if (!any.ok()) return std::move(any).status().Annotate("opening directory \"" + root_ + "\" of the store");
  if (any.value().objects.empty())
    return Status(Code::kInvalidArgument, "directory \"" + root_ + "\" is empty and was never set up as a store")
        .WithHint("Check that its file system is mounted. A new store has to be created first.");
  return root;
}

Status DirectoryStore::MakeParents(int root, const std::string& path) const {
  for (size_t slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    std::string directory = path.substr(0, slash);
    if (mkdirat(root, directory.c_str(), kDirectoryMode) == 0) {
      fchmodat(root, directory.c_str(), kDirectoryMode, 0);  // whatever the umask; a failure leaves it stricter
      GiveToOwner(root, directory);
    } else if (errno == ENOENT) {
      return Status::Ok();  // somebody removed an empty parent; the caller tries again
    } else if (errno != EEXIST) {
      return FileError(errno, What("creating directory", directory));
    }
  }
  return Status::Ok();
}

Result<UniqueFd> DirectoryStore::OpenTemp(int root, const std::string& path, const std::string& key) const {
  for (int i = 0; i < kMaxRaces; i++) {
    UniqueFd fd(openat(root, path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kFileMode));
    if (fd.ok()) {
      fchmod(fd.get(), kFileMode);
      GiveToOwner(root, path);
      return fd;
    }
    if (errno != ENOENT) return FileError(errno, What("creating a temporary file for", key));
    PITR_TRY(MakeParents(root, path));
  }
  return FileError(ENOENT, What("creating a temporary file for", key));
}

Result<UniqueFd> DirectoryStore::OpenUpload(int root, const std::string& id, const std::string& key) const {
  UniqueFd file;
  if (IsUploadId(id)) file = UniqueFd(openat(root, TempPath(id, key).c_str(), O_WRONLY | O_CLOEXEC));
  if (file.ok()) return file;
  if (!IsUploadId(id) || errno == ENOENT) return Status(Code::kNotFound, What("uploading", key) + ": no such upload");
  return FileError(errno, What("uploading", key));
}

Status DirectoryStore::WriteAt(int fd, uint64_t offset, ByteView body, const std::string& key,
                               const OpContext& ctx) const {
  while (!body.empty()) {
    PITR_TRY(ctx.Check());
    const ssize_t n = pwrite(fd, body.data(), std::min(body.size(), kPieceBytes), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return FileError(n < 0 ? errno : ENOSPC, What("writing", key));
    body = body.subspan(n);
    offset += n;
  }
  PITR_TRY(ctx.Check());
  if (fsync(fd) != 0) return FileError(errno, What("syncing", key));
  return Status::Ok();
}

int DirectoryStore::Rename(int root, const std::string& temp, int temp_fd, const std::string& key) const {
  if (renameat2(root, temp.c_str(), root, key.c_str(), RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP) return errno;
  if (linkat(root, temp.c_str(), root, key.c_str(), 0) != 0) {
    // A server may have carried out the first of two identical requests: then the file has two names.
    const int error = errno;
    struct statx st {};
    const int flags = AT_EMPTY_PATH | AT_STATX_FORCE_SYNC;
    if (statx(temp_fd, "", flags, STATX_NLINK, &st) != 0 || st.stx_nlink != 2) return error;
  }
  unlinkat(root, temp.c_str(), 0);  // a leftover name is harmless
  return 0;
}

Status DirectoryStore::Publish(int root, const std::string& temp, int temp_fd, const std::string& key) {
  int error = ENOENT;
  for (int i = 0; i < kMaxRaces && error == ENOENT; i++) {
    error = Rename(root, temp, temp_fd, key);
    if (error != ENOENT) break;
    struct stat st {};
    if (fstatat(root, temp.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0)
      return {Code::kNotFound, What("storing", key) + ": the temporary file was removed meanwhile"};
    PITR_TRY(MakeParents(root, key));
  }
  struct stat st {};
  if (error == EEXIST && fstatat(root, key.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode))
    error = EISDIR;
  if (error == EISDIR || error == ENOTDIR)
    return Status(Code::kInvalidArgument,
                  What("storing", key) + ": the key or a leading part of it is used differently")
        .WithDetail("In a directory a key cannot be an object and the parent of other objects.");
  if (error == EEXIST) return Exists(root, key);
  if (error != 0) return FileError(error, What("storing", key));
  return SyncDirectories(root, Parent(key));
}

Status DirectoryStore::SettleFile(int root, const std::string& key) const {
  UniqueFd file(openat(root, key.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!file.ok() && (errno == ENOENT || errno == ENOTDIR))
    return {Code::kNotFound, What("syncing", key) + ": no such object"};
  if (!file.ok() || fsync(file.get()) != 0) return FileError(errno, What("syncing", key));
  return Status::Ok();
}

Status DirectoryStore::Settle(const std::vector<std::string>& keys, const OpContext& ctx) {
  PITR_ASSIGN(UniqueFd root, OpenRoot());
  std::set<std::string> directories;
  for (const std::string& key : keys) {
    PITR_TRY(CheckDirectoryKey(key));
    PITR_TRY(ctx.Check());
    PITR_TRY(SettleFile(root.get(), key));
    directories.insert(Parent(key));
  }
  for (const std::string& directory : directories) PITR_TRY(SyncDirectories(root.get(), directory));
  return Status::Ok();
}

Status DirectoryStore::Exists(int root, const std::string& key) {
  Status settled = SettleFile(root, key);
  if (settled.ok()) settled = SyncDirectories(root, Parent(key));
  if (settled.code() == Code::kNotFound)
    return {Code::kUnavailable, What("storing", key) + ": the object existed and was removed at the same time"};
  if (!settled.ok()) return settled;
  return {Code::kAlreadyExists, What("storing", key) + ": the object exists"};
}

Result<std::optional<ObjectLock>> DirectoryStore::GetLock(const std::string& key, const OpContext& ctx) {
  PITR_TRY(Stat(key, ctx).status());
  return std::optional<ObjectLock>();
}

Status DirectoryStore::ExtendLock(const std::string& key, const ObjectLock& /*lock*/, const OpContext& /*ctx*/) {
  return {Code::kInvalidArgument, What("locking", key) + ": a directory has no locks"};
}

Status DirectoryStore::SyncDirectories(int root, std::string directory) {
  std::vector<std::pair<std::string, DirectoryId>> synced;
  int error = SyncDirectory(root, directory);
  for (; error == 0 && !directory.empty(); directory = Parent(directory)) {
    struct statx st {};
    if (statx(root, directory.c_str(), 0, STATX_INO | STATX_BTIME, &st) != 0) error = errno;
    const DirectoryId id{uint64_t{st.stx_dev_major} << 32 | st.stx_dev_minor, st.stx_ino,
                         st.stx_btime.tv_sec * int64_t{1000000000} + st.stx_btime.tv_nsec};
    {
      std::lock_guard lock(mutex_);
      auto known = durable_.find(directory);
      if (known != durable_.end() && known->second == id) break;
    }
    if (error == 0) error = SyncDirectory(root, Parent(directory));
    if (error == 0 && (st.stx_mask & STATX_BTIME) != 0) synced.emplace_back(directory, id);
  }
  if (error != 0) return FileError(error, What("syncing directory", directory));
  std::lock_guard lock(mutex_);
  if (durable_.size() > kMaxRemembered) durable_.clear();
  for (auto& [path, id] : synced) durable_[path] = id;
  return Status::Ok();
}

Status DirectoryStore::Create(const std::string& key, ByteView body, const OpContext& ctx) {
  PITR_TRY(CheckDirectoryKey(key));
  PITR_TRY(ctx.Check());
  PITR_ASSIGN(UniqueFd root, OpenRoot());
  // Spares writing the body in vain; what decides is Publish().
  struct stat st {};
  if (fstatat(root.get(), key.c_str(), &st, 0) == 0 && S_ISREG(st.st_mode)) return Exists(root.get(), key);
  const std::string temp = TempPath(NewUploadId(ctx.clock->WallMicros()), key);
  PITR_ASSIGN(UniqueFd file, OpenTemp(root.get(), temp, key));
  Status status = WriteAt(file.get(), 0, body, key, ctx);
  if (status.ok()) status = Publish(root.get(), temp, file.get(), key);
  if (!status.ok()) unlinkat(root.get(), temp.c_str(), 0);
  if (Parent(temp) != kTempDirectory) RemoveEmpty(root.get(), Parent(temp));
  // A temporary file that was swept away under us is worth another attempt.
  if (status.code() == Code::kNotFound) return {Code::kUnavailable, status.message()};
  return status;
}

Status DirectoryStore::Get(const std::string& key, ByteRange range, const ByteSink& sink, const OpContext& ctx) {
  PITR_TRY(CheckDirectoryKey(key));
  PITR_TRY(ctx.Check());
  PITR_ASSIGN(UniqueFd root, OpenRoot());
  UniqueFd file(openat(root.get(), key.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.ok() && errno != ENOENT && errno != ENOTDIR) return FileError(errno, What("reading", key));
  struct stat st {};
  if (file.ok() && fstat(file.get(), &st) != 0) return FileError(errno, What("reading", key));
  if (!file.ok() || !S_ISREG(st.st_mode)) return {Code::kNotFound, What("reading", key) + ": no such object"};
  PITR_ASSIGN(const uint64_t length, RangeLength(key, range, static_cast<uint64_t>(st.st_size)));
  if (length > kPieceBytes) posix_fadvise(file.get(), range.offset, length, POSIX_FADV_SEQUENTIAL);
  const size_t buffer_bytes = std::min<uint64_t>(length, kPieceBytes);
  std::unique_ptr<uint8_t[]> buffer(new uint8_t[buffer_bytes]);
  for (uint64_t done = 0, ahead = 0; done < length;) {
    PITR_TRY(ctx.Check());
    if (done + kReadAheadBytes / 2 >= ahead && ahead < length) {
      posix_fadvise(file.get(), range.offset + ahead, kReadAheadBytes, POSIX_FADV_WILLNEED);
      ahead += kReadAheadBytes;
    }
    const ssize_t n =
        pread(file.get(), buffer.get(), std::min<uint64_t>(length - done, buffer_bytes), range.offset + done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return FileError(errno, What("reading", key));
    if (n == 0) return {Code::kUnavailable, What("reading", key) + ": the file became shorter while it was read"};
    PITR_TRY(sink({buffer.get(), static_cast<size_t>(n)}));
    done += n;
  }
  return Status::Ok();
}

Result<ObjectInfo> DirectoryStore::Stat(const std::string& key, const OpContext& ctx) {
  PITR_TRY(CheckDirectoryKey(key));
  PITR_TRY(ctx.Check());
  PITR_ASSIGN(UniqueFd root, OpenRoot());
  struct stat st {};
  const bool found = fstatat(root.get(), key.c_str(), &st, 0) == 0;
  if (!found && errno != ENOENT && errno != ENOTDIR) return FileError(errno, What("looking up", key));
  if (!found || !S_ISREG(st.st_mode)) return Status(Code::kNotFound, What("looking up", key) + ": no such object");
  return ObjectInfo{key, static_cast<uint64_t>(st.st_size),
                    st.st_mtim.tv_sec * int64_t{1000000} + st.st_mtim.tv_nsec / 1000};
}

Result<ListPage> DirectoryStore::List(const std::string& prefix, const std::string& start_after, const OpContext& ctx) {
  PITR_TRY(ctx.Check());
  PITR_ASSIGN(UniqueFd root, OpenRoot());
  // Each page costs a walk through a whole directory. Who asks for a second one wants all.
  const size_t limit = start_after.empty() ? kMaxListPage : kLaterListPage;
  auto page = WalkKeys(root.get(), {prefix, start_after, limit}, ctx);
  if (!page.ok()) return std::move(page).status().Annotate(What("listing", prefix));
  return page;
}

std::string DirectoryStore::RemoveEmpty(int root, std::string directory) const {
  while (!directory.empty() && directory != kTempDirectory) {
    if (unlinkat(root, directory.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT) break;
    directory = Parent(directory);
  }
  return directory;
}

Status DirectoryStore::Delete(const std::vector<std::string>& keys, const OpContext& ctx) {
  PITR_TRY(CheckDeleteBatch(keys));
  for (const std::string& key : keys) PITR_TRY(CheckDirectoryKey(key));
  PITR_TRY(ctx.Check());
  PITR_ASSIGN(UniqueFd root, OpenRoot());
  Status first;
  std::set<std::string> touched;
  for (const std::string& key : keys) {
    PITR_TRY(ctx.Check());
    if (unlinkat(root.get(), key.c_str(), 0) == 0) {
      touched.insert(Parent(key));
    } else if (errno != ENOENT && errno != ENOTDIR && errno != EISDIR && first.ok()) {
      first = FileError(errno, What("deleting", key));
    }
  }
  // So that a crash cannot bring back what was deleted first while what was deleted later is gone.
  std::set<std::string> changed;
  for (auto at = touched.rbegin(); at != touched.rend(); ++at) changed.insert(RemoveEmpty(root.get(), *at));
  for (const std::string& directory : changed) {
    const int error = SyncDirectory(root.get(), directory);
    if (error != 0 && error != ENOENT && first.ok()) first = FileError(error, What("syncing directory", directory));
  }
  return first;
}

Result<std::string> DirectoryStore::BeginUpload(const std::string& key, const OpContext& ctx) {
  PITR_TRY(CheckDirectoryKey(key));
  PITR_TRY(ctx.Check());
  PITR_ASSIGN(UniqueFd root, OpenRoot());
  std::string id = NewUploadId(ctx.clock->WallMicros());
  PITR_ASSIGN(UniqueFd file, OpenTemp(root.get(), TempPath(id, key), key));
  return id;
}

Result<UploadPart> DirectoryStore::PutPart(const std::string& key, const std::string& upload_id, int number,
                                           uint64_t offset, ByteView body, const OpContext& ctx) {
  PITR_TRY(CheckDirectoryKey(key));
  PITR_TRY(CheckPart(key, number, offset, body.size()));
  PITR_TRY(ctx.Check());
  PITR_ASSIGN(UniqueFd root, OpenRoot());
  PITR_ASSIGN(UniqueFd file, OpenUpload(root.get(), upload_id, key));
  PITR_TRY(WriteAt(file.get(), offset, body, key, ctx));
  if (const int error = file.Close(); error != 0) return FileError(error, What("uploading", key));
  return UploadPart{number, std::to_string(offset) + "+" + std::to_string(body.size())};
}

Status DirectoryStore::CompleteUpload(const std::string& key, const std::string& upload_id,
                                      const std::vector<UploadPart>& parts, const OpContext& ctx) {
  PITR_TRY(CheckDirectoryKey(key));
  PITR_TRY(ctx.Check());
  PITR_ASSIGN(UniqueFd root, OpenRoot());
  PITR_ASSIGN(std::vector<PartExtent> extents, Extents(key, parts));
  PITR_ASSIGN(const uint64_t size, CheckParts(key, extents, kMinPartBytes));
  const std::string temp = TempPath(upload_id, key);
  PITR_ASSIGN(UniqueFd file, OpenUpload(root.get(), upload_id, key));
  struct stat st {};
  if (fstat(file.get(), &st) != 0) return FileError(errno, What("completing the upload of", key));
  if (static_cast<uint64_t>(st.st_size) != size)
    return {Code::kCorruption, What("completing the upload of", key) + ": the parts have " + std::to_string(size) +
                                   " bytes, the file " + std::to_string(st.st_size)};
  if (fsync(file.get()) != 0) return FileError(errno, What("syncing", key));
  PITR_TRY(Publish(root.get(), temp, file.get(), key));
  if (Parent(temp) != kTempDirectory) RemoveEmpty(root.get(), Parent(temp));
  return Status::Ok();
}

Status DirectoryStore::AbortUpload(const std::string& key, const std::string& upload_id, const OpContext& ctx) {
  PITR_TRY(CheckDirectoryKey(key));
  PITR_TRY(ctx.Check());
  PITR_ASSIGN(UniqueFd root, OpenRoot());
  if (!IsUploadId(upload_id)) return Status::Ok();
  const std::string temp = TempPath(upload_id, key);
  if (unlinkat(root.get(), temp.c_str(), 0) != 0 && errno != ENOENT)
    return FileError(errno, What("aborting the upload of", key));
  if (Parent(temp) != kTempDirectory) RemoveEmpty(root.get(), Parent(temp));
  return Status::Ok();
}

Result<std::vector<PendingUpload>> DirectoryStore::ListUploads(const std::string& prefix, const OpContext& ctx) {
  PITR_TRY(ctx.Check());
  PITR_ASSIGN(UniqueFd root, OpenRoot());
  PITR_ASSIGN(std::vector<std::string> files, WalkFiles(root.get(), std::string(kTempDirectory) + "/", SIZE_MAX, ctx));
  std::vector<PendingUpload> uploads;
  for (const std::string& file : files) {
    PendingUpload upload;
    if (ParseTempPath(file, &upload) && upload.key.starts_with(prefix)) uploads.push_back(std::move(upload));
  }
  std::sort(uploads.begin(), uploads.end(), [](const PendingUpload& a, const PendingUpload& b) {
    return std::tie(a.key, a.upload_id) < std::tie(b.key, b.upload_id);
  });
  if (uploads.size() > kMaxListPage) uploads.resize(kMaxListPage);
  return uploads;
}

}  // namespace pitr
