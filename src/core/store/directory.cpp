#include "core/store/directory.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <set>

#include "core/store/directory_reserve.h"
#include "core/store/directory_walk.h"
#include "core/store/file_error.h"
#include "core/store/missing_store.h"
#include "core/store/upload_rules.h"

namespace pitr {
namespace {

constexpr size_t kLaterListPage = 65536;
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
int SyncDirectory(const UniqueFd& directory) {
  if (!directory.ok()) return errno;
  return fsync(directory.get()) == 0 || errno == EINVAL || errno == EBADF ? 0 : errno;
}

UniqueFd OpenDirectory(const DirectoryTree& tree, const std::string& directory) {
  return tree.Open(directory, O_RDONLY | O_DIRECTORY);
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
  PITR_ASSIGN(const DirectoryTree tree, DirectoryTree::Make(clean));
  PITR_TRY(store->MakeParents(tree, std::string(kTempDirectory) + "/x"));
  for (const char* directory : {kTempDirectory, ""})
    if (const int error = SyncDirectory(OpenDirectory(tree, directory)); error != 0)
      return tree.Error(error, directory, store->What("syncing directory", directory));
  (void)FillReserve(tree);  // the next expiry does
  return store;
}

std::string DirectoryStore::What(const char* doing, std::string_view key) const {
  return std::string(doing) + " \"" + std::string(key) + "\" in " + Describe();
}

Result<DirectoryTree> DirectoryStore::OpenTree() const {
  PITR_ASSIGN(DirectoryTree tree, DirectoryTree::Open(root_));
  const std::string opening = "opening directory \"" + root_ + "\" of the store";
  struct stat st {};
  if (tree.Stat(kTempDirectory, &st) == 0) return tree;
  if (errno != ENOENT) return tree.Error(errno, kTempDirectory, opening);
  auto any = WalkKeys(tree, {.limit = 1, .most = 1}, OpContext{});
  if (!any.ok()) return std::move(any).status().Annotate(opening);
  if (any.value().objects.empty())
    return MissingStore(root_, kNeverSetUp)
        .WithHint(std::string("Check that its file system is mounted. ") + kWhoMakesAStore);
  return tree;
}

Status DirectoryStore::MakeParents(const DirectoryTree& tree, const std::string& path) const {
  for (size_t slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    const std::string directory = path.substr(0, slash);
    if (tree.MakeDirectory(directory, kDirectoryMode) == 0 || errno == EEXIST) continue;
    if (errno == ENOENT) return Status::Ok();  // somebody removed an empty parent; the caller tries again
    return tree.Error(errno, directory, What("creating directory", directory));
  }
  return Status::Ok();
}

Result<UniqueFd> DirectoryStore::OpenTemp(const DirectoryTree& tree, const std::string& path,
                                          const std::string& key) const {
  for (int i = 0; i < kMaxRaces; i++) {
    UniqueFd fd = tree.Open(path, O_WRONLY | O_CREAT | O_EXCL, kFileMode);
    if (fd.ok()) {
      fchmod(fd.get(), kFileMode);
      tree.GiveToOwner(fd.get());
      return fd;
    }
    if (errno != ENOENT) return tree.Error(errno, path, What("creating a temporary file for", key));
    PITR_TRY(MakeParents(tree, path));
  }
  return FileError(ENOENT, What("creating a temporary file for", key));
}

Result<UniqueFd> DirectoryStore::OpenUpload(const DirectoryTree& tree, const std::string& id,
                                            const std::string& key) const {
  UniqueFd file;
  if (IsUploadId(id)) file = tree.Open(TempPath(id, key), O_WRONLY);
  if (file.ok()) return file;
  if (!IsUploadId(id) || errno == ENOENT) return Status(Code::kNotFound, What("uploading", key) + ": no such upload");
  return tree.Error(errno, TempPath(id, key), What("uploading", key));
}

Status DirectoryStore::WriteAt(const DirectoryTree& tree, int fd, uint64_t offset, ByteView body,
                               const std::string& key, const OpContext& ctx) const {
  while (!body.empty()) {
    PITR_TRY(ctx.Check());
    const ssize_t n = pwrite(fd, body.data(), std::min(body.size(), kPieceBytes), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return tree.Error(n < 0 ? errno : ENOSPC, key, What("writing", key));
    body = body.subspan(n);
    offset += n;
  }
  PITR_TRY(ctx.Check());
  if (fsync(fd) != 0) return tree.Error(errno, key, What("syncing", key));
  return Status::Ok();
}

int DirectoryStore::Rename(const DirectoryTree& tree, const std::string& temp, int temp_fd,
                           const std::string& key) const {
  if (tree.RenameNoReplace(temp, key) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP) return errno;
  if (tree.Link(temp, key) != 0) {
    // A server may have carried out the first of two identical requests: then the file has two names.
    const int error = errno;
    struct statx st {};
    const int flags = AT_EMPTY_PATH | AT_STATX_FORCE_SYNC;
    if (statx(temp_fd, "", flags, STATX_NLINK, &st) != 0 || st.stx_nlink != 2) return error;
  }
  tree.Unlink(temp, 0);  // a leftover name is harmless
  return 0;
}

Status DirectoryStore::Publish(const DirectoryTree& tree, const std::string& temp, int temp_fd,
                               const std::string& key) {
  int error = ENOENT;
  struct stat st {};
  for (int i = 0; i < kMaxRaces && error == ENOENT; i++) {
    error = Rename(tree, temp, temp_fd, key);
    if (error != ENOENT) break;
    if (tree.Stat(temp, &st) != 0)
      return {Code::kNotFound, What("storing", key) + ": the temporary file was removed meanwhile"};
    PITR_TRY(MakeParents(tree, key));
  }
  if (error == EEXIST && tree.Stat(key, &st) == 0 && S_ISDIR(st.st_mode)) error = EISDIR;
  if (error == EISDIR || error == ENOTDIR)
    return Status(Code::kInvalidArgument,
                  What("storing", key) + ": the key or a leading part of it is used differently")
        .WithDetail("In a directory a key cannot be an object and the parent of other objects.");
  if (error == EEXIST) return Exists(tree, key);
  if (error != 0) return tree.Error(error, key, What("storing", key));
  return SyncDirectories(tree, Parent(key));
}

Status DirectoryStore::SettleFile(const DirectoryTree& tree, const std::string& key) const {
  const UniqueFd file = tree.Open(key, O_RDONLY);
  if (!file.ok() && (errno == ENOENT || errno == ENOTDIR))
    return {Code::kNotFound, What("syncing", key) + ": no such object"};
  if (!file.ok() || fsync(file.get()) != 0) return tree.Error(errno, key, What("syncing", key));
  return Status::Ok();
}

Status DirectoryStore::Settle(const std::vector<std::string>& keys, const OpContext& ctx) {
  PITR_ASSIGN(const DirectoryTree tree, OpenTree());
  std::set<std::string> directories;
  for (const std::string& key : keys) {
    PITR_TRY(CheckDirectoryKey(key));
    PITR_TRY(ctx.Check());
    PITR_TRY(SettleFile(tree, key));
    directories.insert(Parent(key));
  }
  for (const std::string& directory : directories) PITR_TRY(SyncDirectories(tree, directory));
  return Status::Ok();
}

Status DirectoryStore::Exists(const DirectoryTree& tree, const std::string& key) {
  Status settled = SettleFile(tree, key);
  if (settled.ok()) settled = SyncDirectories(tree, Parent(key));
  if (settled.code() == Code::kNotFound)
    return {Code::kUnavailable, What("storing", key) + ": the object existed and was removed at the same time"};
  if (!settled.ok()) return settled;
  return {Code::kAlreadyExists, What("storing", key) + ": the object exists"};
}

Status DirectoryStore::CheckPrefixes(const std::vector<std::string>& prefixes, const OpContext& ctx) {
  PITR_ASSIGN(const DirectoryTree tree, OpenTree());
  std::vector<std::string> directories{kTempDirectory};
  for (const std::string& prefix : prefixes) {
    PITR_ASSIGN(const std::vector<std::string> below, ListDirectories(tree, prefix, ctx));
    directories.push_back(prefix.substr(0, prefix.find_last_not_of('/') + 1));
    directories.insert(directories.end(), below.begin(), below.end());
  }
  for (const std::string& directory : directories)
    if (!tree.IsOnItsFileSystem(directory)) return tree.Error(EXDEV, directory, What("storing below", directory));
  return Status::Ok();
}

Result<std::optional<ObjectLock>> DirectoryStore::GetLock(const std::string& key, const OpContext& ctx) {
  PITR_TRY(Stat(key, ctx).status());
  return std::optional<ObjectLock>();
}

Status DirectoryStore::ExtendLock(const std::string& key, const ObjectLock& /*lock*/, const OpContext& /*ctx*/) {
  return {Code::kInvalidArgument, What("locking", key) + ": a directory has no locks"};
}

Status DirectoryStore::SyncDirectories(const DirectoryTree& tree, std::string directory) {
  std::vector<std::pair<std::string, DirectoryId>> synced;
  std::optional<std::pair<std::string, DirectoryId>> below;  // its entry is in the next directory that is synced
  for (;; directory = Parent(directory)) {
    const UniqueFd fd = OpenDirectory(tree, directory);
    struct statx st {};
    int error = SyncDirectory(fd);
    if (error == 0 && statx(fd.get(), "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME, &st) != 0) error = errno;
    if (error != 0) return tree.Error(error, directory, What("syncing directory", directory));
    if (below) synced.push_back(*std::exchange(below, std::nullopt));
    if (directory.empty()) break;
    const DirectoryId id{uint64_t{st.stx_dev_major} << 32 | st.stx_dev_minor, st.stx_ino,
                         st.stx_btime.tv_sec * int64_t{1000000000} + st.stx_btime.tv_nsec};
    if ((st.stx_mask & STATX_BTIME) != 0) below = {directory, id};
    std::lock_guard lock(mutex_);
    auto known = durable_.find(directory);
    if (known != durable_.end() && known->second == id) break;
  }
  std::lock_guard lock(mutex_);
  if (durable_.size() > kMaxRemembered) durable_.clear();
  for (auto& [path, id] : synced) durable_[path] = id;
  return Status::Ok();
}

Status DirectoryStore::Create(const std::string& key, ByteView body, const OpContext& ctx) {
  PITR_TRY(CheckDirectoryKey(key));
  for (int pieces = 1;; pieces *= 2) {
    PITR_TRY(ctx.Check());
    PITR_ASSIGN(const DirectoryTree tree, OpenTree());
    Status status = CreateOnce(tree, key, body, ctx);
    if (status.ok() || !tree.full() || !reserve_open_) return status;
    // At once, before other writers have taken what was freed.
    if (!ReleaseFromReserve(tree, pieces)) return std::move(status).WithHint(NoReserveHint(root_));
    struct stat st {};
    if (tree.Stat(key, &st) == 0) return status;  // perhaps our own, and not durable
  }
}

Status DirectoryStore::RefillReserve() {
  reserve_open_ = false;
  PITR_ASSIGN(const DirectoryTree tree, OpenTree());
  return FillReserve(tree);
}

Status DirectoryStore::CreateOnce(const DirectoryTree& tree, const std::string& key, ByteView body,
                                  const OpContext& ctx) {
  // Spares writing the body in vain; what decides is Publish().
  struct stat st {};
  if (tree.Stat(key, &st) == 0 && S_ISREG(st.st_mode)) return Exists(tree, key);
  const std::string temp = TempPath(NewUploadId(ctx.clock->WallMicros()), key);
  PITR_ASSIGN(UniqueFd file, OpenTemp(tree, temp, key));
  Status status = WriteAt(tree, file.get(), 0, body, key, ctx);
  if (status.ok()) status = Publish(tree, temp, file.get(), key);
  if (!status.ok()) tree.Unlink(temp, 0);
  if (Parent(temp) != kTempDirectory) RemoveEmpty(tree, Parent(temp));
  // A temporary file that was swept away under us is worth another attempt.
  if (status.code() == Code::kNotFound) return std::move(status).As(Code::kUnavailable);
  return status;
}

Status DirectoryStore::Get(const std::string& key, ByteRange range, const ByteSink& sink, const OpContext& ctx) {
  PITR_TRY(CheckDirectoryKey(key));
  PITR_TRY(ctx.Check());
  PITR_ASSIGN(const DirectoryTree tree, OpenTree());
  const UniqueFd file = tree.Open(key, O_RDONLY);
  if (!file.ok() && errno != ENOENT && errno != ENOTDIR) return tree.Error(errno, key, What("reading", key));
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
  PITR_ASSIGN(const DirectoryTree tree, OpenTree());
  struct stat st {};
  const bool found = tree.Stat(key, &st) == 0;
  if (!found && errno != ENOENT && errno != ENOTDIR) return tree.Error(errno, key, What("looking up", key));
  if (!found || !S_ISREG(st.st_mode)) return Status(Code::kNotFound, What("looking up", key) + ": no such object");
  return ObjectInfo{key, static_cast<uint64_t>(st.st_size),
                    st.st_mtim.tv_sec * int64_t{1000000} + st.st_mtim.tv_nsec / 1000};
}

Result<ListPage> DirectoryStore::List(const std::string& prefix, const std::string& start_after, const OpContext& ctx) {
  PITR_TRY(ctx.Check());
  PITR_ASSIGN(const DirectoryTree tree, OpenTree());
  // A directory is read whole to give its files in order: who goes on is given the rest of it, up to a bound.
  const size_t most = start_after.empty() ? kMaxListPage : kLaterListPage;
  auto page = WalkKeys(tree, {prefix, start_after, kMaxListPage, most}, ctx);
  if (!page.ok()) return std::move(page).status().Annotate(What("listing", prefix));
  return page;
}

std::string DirectoryStore::RemoveEmpty(const DirectoryTree& tree, std::string directory) const {
  while (!directory.empty() && directory != kTempDirectory) {
    if (tree.Unlink(directory, AT_REMOVEDIR) != 0 && errno != ENOENT) break;
    directory = Parent(directory);
  }
  return directory;
}

Status DirectoryStore::Delete(const std::vector<std::string>& keys, const OpContext& ctx) {
  PITR_TRY(CheckDeleteBatch(keys));
  for (const std::string& key : keys) PITR_TRY(CheckDirectoryKey(key));
  PITR_TRY(ctx.Check());
  PITR_ASSIGN(const DirectoryTree tree, OpenTree());
  Status first;
  std::set<std::string> touched;
  for (const std::string& key : keys) {
    PITR_TRY(ctx.Check());
    const int error = tree.Unlink(key, 0) == 0 ? 0 : errno;
    struct stat st {};
    if (error == 0) {
      touched.insert(Parent(key));
    } else if (error == ENOENT || error == ENOTDIR) {
      // One look that finds nothing, and be it of a directory above, is not enough to call it deleted.
      if (tree.Stat(key, &st) == 0 && first.ok())
        first = {Code::kUnavailable, What("deleting", key) + ": it is there and was not found"};
    } else if (error != EISDIR && first.ok()) {
      first = tree.Error(error, key, What("deleting", key));
    }
  }
  // So that a crash cannot bring back what was deleted first while what was deleted later is gone.
  std::set<std::string> changed = touched;
  for (auto at = touched.rbegin(); at != touched.rend(); ++at) changed.insert(RemoveEmpty(tree, *at));
  for (const std::string& directory : changed) {
    const int error = SyncDirectory(OpenDirectory(tree, directory));
    if (error != 0 && error != ENOENT && first.ok())
      first = tree.Error(error, directory, What("syncing directory", directory));
  }
  return first;
}

Result<std::string> DirectoryStore::BeginUpload(const std::string& key, const OpContext& ctx) {
  PITR_TRY(CheckDirectoryKey(key));
  PITR_TRY(ctx.Check());
  PITR_ASSIGN(const DirectoryTree tree, OpenTree());
  std::string id = NewUploadId(ctx.clock->WallMicros());
  PITR_ASSIGN(UniqueFd file, OpenTemp(tree, TempPath(id, key), key));
  return id;
}

Result<UploadPart> DirectoryStore::PutPart(const std::string& key, const std::string& upload_id, int number,
                                           uint64_t offset, ByteView body, const OpContext& ctx) {
  PITR_TRY(CheckDirectoryKey(key));
  PITR_TRY(CheckPart(key, number, offset, body.size()));
  PITR_TRY(ctx.Check());
  PITR_ASSIGN(const DirectoryTree tree, OpenTree());
  PITR_ASSIGN(UniqueFd file, OpenUpload(tree, upload_id, key));
  PITR_TRY(WriteAt(tree, file.get(), offset, body, key, ctx));
  if (const int error = file.Close(); error != 0) return tree.Error(error, key, What("uploading", key));
  return UploadPart{number, std::to_string(offset) + "+" + std::to_string(body.size())};
}

Status DirectoryStore::CompleteUpload(const std::string& key, const std::string& upload_id,
                                      const std::vector<UploadPart>& parts, const OpContext& ctx) {
  PITR_TRY(CheckDirectoryKey(key));
  PITR_TRY(ctx.Check());
  PITR_ASSIGN(const DirectoryTree tree, OpenTree());
  PITR_ASSIGN(std::vector<PartExtent> extents, Extents(key, parts));
  PITR_ASSIGN(const uint64_t size, CheckParts(key, extents, kMinPartBytes));
  const std::string temp = TempPath(upload_id, key);
  PITR_ASSIGN(UniqueFd file, OpenUpload(tree, upload_id, key));
  struct stat st {};
  if (fstat(file.get(), &st) != 0) return FileError(errno, What("completing the upload of", key));
  if (static_cast<uint64_t>(st.st_size) != size)
    return {Code::kCorruption, What("completing the upload of", key) + ": the parts have " + std::to_string(size) +
                                   " bytes, the file " + std::to_string(st.st_size)};
  if (fsync(file.get()) != 0) return tree.Error(errno, key, What("syncing", key));
  PITR_TRY(Publish(tree, temp, file.get(), key));
  if (Parent(temp) != kTempDirectory) RemoveEmpty(tree, Parent(temp));
  return Status::Ok();
}

Status DirectoryStore::AbortUpload(const std::string& key, const std::string& upload_id, const OpContext& ctx) {
  PITR_TRY(CheckDirectoryKey(key));
  PITR_TRY(ctx.Check());
  PITR_ASSIGN(const DirectoryTree tree, OpenTree());
  if (!IsUploadId(upload_id)) return Status::Ok();
  const std::string temp = TempPath(upload_id, key);
  if (tree.Unlink(temp, 0) != 0 && errno != ENOENT) return tree.Error(errno, temp, What("aborting the upload of", key));
  if (Parent(temp) != kTempDirectory) RemoveEmpty(tree, Parent(temp));
  return Status::Ok();
}

Result<std::vector<PendingUpload>> DirectoryStore::ListUploads(const std::string& prefix, const OpContext& ctx) {
  PITR_TRY(ctx.Check());
  PITR_ASSIGN(const DirectoryTree tree, OpenTree());
  PITR_ASSIGN(std::vector<std::string> files, WalkFiles(tree, std::string(kTempDirectory) + "/", SIZE_MAX, ctx));
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
