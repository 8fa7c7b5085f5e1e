#include "core/restore/wal_spool.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <climits>
#include <cstdlib>
#include <ctime>

#include "core/restore/directory_server.h"
#include "core/store/file_error.h"

namespace pitr {
namespace {

constexpr const char* kSpoolName = "pg_pitr.spool";
constexpr const char* kSource = "source";
constexpr const char* kLock = "lock";
constexpr const char* kRequest = "request";
constexpr const char* kOutage = "outage";
constexpr time_t kOutageSeconds = 60;
constexpr std::string_view kFetching = ".fetching";
constexpr size_t kSegmentNameLength = 24;

// The whole of a small file; empty when there is none.
std::string ReadSmall(const std::string& path, int at = AT_FDCWD) {
  const UniqueFd fd(openat(at, path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  char buffer[PATH_MAX + 128];
  const ssize_t got = fd.ok() ? read(fd.get(), buffer, sizeof buffer) : -1;
  return got <= 0 ? std::string() : std::string(buffer, static_cast<size_t>(got));
}

enum class Durable { kNo, kYes };

Status WriteSmall(const std::string& path, std::string_view content, int at = AT_FDCWD,
                  Durable durable = Durable::kNo) {
  UniqueFd fd(openat(at, path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.ok()) return FileError(errno, "creating \"" + path + "\"");
  for (size_t done = 0; done < content.size();) {
    const ssize_t put = write(fd.get(), content.data() + done, content.size() - done);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return FileError(errno, "writing \"" + path + "\"");
    done += static_cast<size_t>(put);
  }
  if (durable == Durable::kYes && fsync(fd.get()) != 0) return FileError(errno, "syncing \"" + path + "\"");
  if (int error = fd.Close()) return FileError(error, "closing \"" + path + "\"");
  return Status::Ok();
}

std::string CurrentDirectory() {
  char buffer[PATH_MAX];
  return getcwd(buffer, sizeof buffer) == nullptr ? std::string() : std::string(buffer);
}

}  // namespace

bool IsSpooledName(std::string_view name) {
  return name.size() == kSegmentNameLength && name.find_first_not_of("0123456789ABCDEF") == std::string_view::npos;
}

WalSpool::WalSpool(std::string data_directory, std::string directory, std::string config_path)
    : data_directory_(std::move(data_directory)),
      directory_(std::move(directory)),
      config_path_(std::move(config_path)) {}

std::string DataDirectoryOf(const std::string& destination) {
  const size_t slash = destination.rfind('/');
  if (slash == std::string::npos || slash == 0) return {};
  // The server runs the command in its data directory; pg_wal may be a link to elsewhere.
  if (destination.front() != '/') return CurrentDirectory();
  return destination.substr(0, destination.rfind('/', slash - 1));
}

std::optional<WalSpool> WalSpool::For(const std::string& destination, const std::string& config_path) {
  const std::string data = DataDirectoryOf(destination);
  if (data.empty() || !IsRecovering(data)) return std::nullopt;
  std::string wal = destination.substr(0, destination.rfind('/'));
  if (wal.front() != '/') wal = data + "/" + wal;
  return WalSpool(data, wal + "/" + kSpoolName, config_path);
}

std::string WalSpool::SourceText() const { return config_path_ + "\n" + ReadSmall("/proc/sys/kernel/random/boot_id"); }

bool WalSpool::IsOurs() const { return ReadSmall(Path(kSource)) == SourceText(); }

bool WalSpool::Take(const std::string& name, const std::string& destination) const {
  return IsOurs() && rename(Path(name).c_str(), destination.c_str()) == 0;
}

bool WalSpool::IsBeingFetched(const std::string& name) const {
  return access(Path(name + std::string(kFetching)).c_str(), F_OK) == 0 && IsOurs() && HasPrefetcher();
}

void WalSpool::Request(const std::string& name) const {
  if (mkdir(directory_.c_str(), 0700) != 0 && errno != EEXIST) return;
  (void)WriteSmall(Path(kRequest), name);
}

bool WalSpool::HasPrefetcher() const {
  const UniqueFd fd(open(Path(kLock).c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  if (!fd.ok()) return false;
  // Closing releases what is taken here at once.
  return flock(fd.get(), LOCK_SH | LOCK_NB) != 0;
}

bool WalSpool::HasOutage() const {
  struct stat info;
  if (stat(Path(kOutage).c_str(), &info) != 0) return false;
  const time_t age = time(nullptr) - info.st_mtime;
  return age >= 0 && age < kOutageSeconds;
}

// The file's content is when it was said last, its time when it was noted last.
bool WalSpool::NoteOutage() const {
  const time_t now = time(nullptr);
  const time_t said = HasOutage() ? static_cast<time_t>(strtoll(ReadSmall(Path(kOutage)).c_str(), nullptr, 10)) : 0;
  const bool say = now < said || now - said >= kOutageSeconds;
  if (mkdir(directory_.c_str(), 0700) == 0 || errno == EEXIST)
    (void)WriteSmall(Path(kOutage), std::to_string(say ? now : said));
  return say;
}

void WalSpool::ForgetOutage() const { unlink(Path(kOutage).c_str()); }

Result<HeldSpool> HeldSpool::Take(const WalSpool& spool) {
  UniqueFd directory(open(spool.directory().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  if (!directory.ok()) return FileError(errno, "opening \"" + spool.directory() + "\"");
  UniqueFd lock(openat(directory.get(), kLock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!lock.ok()) return FileError(errno, "opening the lock of \"" + spool.directory() + "\"");
  // One that only looks holds it for a moment.
  for (int attempt = 0; attempt < 20; ++attempt) {
    if (flock(lock.get(), LOCK_EX | LOCK_NB) == 0) return HeldSpool(spool, std::move(directory), std::move(lock));
    usleep(5000);
  }
  return Status(Code::kAlreadyExists, "another process fetches ahead into \"" + spool.directory() + "\"");
}

Status HeldSpool::Begin() const {
  // Without its source nothing in the spool is used, whatever happens in between.
  unlinkat(directory_.get(), kSource, 0);
  for (const std::string& name : Segments()) Forget(name);
  return WriteSmall(kSource, spool_.SourceText(), directory_.get());
}

std::string HeldSpool::LastRequest() const {
  std::string name = ReadSmall(kRequest, directory_.get());
  return IsSpooledName(name) ? name : std::string();
}

std::vector<std::string> HeldSpool::Names() const {
  std::vector<std::string> names;
  UniqueFd fd(openat(directory_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  DIR* directory = fd.ok() ? fdopendir(fd.get()) : nullptr;
  if (directory == nullptr) return names;
  fd.Release();
  while (const dirent* entry = readdir(directory)) names.emplace_back(entry->d_name);
  closedir(directory);
  return names;
}

std::vector<std::string> HeldSpool::Segments() const {
  std::vector<std::string> names = Names();
  std::erase_if(names, [](const std::string& name) { return !IsSpooledName(name); });
  return names;
}

Status HeldSpool::MarkFetching(const std::string& name) const {
  return WriteSmall(name + std::string(kFetching), {}, directory_.get());
}

Status HeldSpool::Store(const std::string& name, std::string_view content) const {
  const std::string mark = name + std::string(kFetching);
  // The server syncs it, too, through a descriptor of its own: an error of writing back must not fall between the two.
  PITR_TRY(WriteSmall(mark, content, directory_.get(), Durable::kYes));
  if (renameat(directory_.get(), mark.c_str(), directory_.get(), name.c_str()) != 0)
    return FileError(errno, "renaming \"" + mark + "\" in \"" + spool_.directory() + "\"");
  return Status::Ok();
}

void HeldSpool::Forget(const std::string& name) const {
  unlinkat(directory_.get(), (name + std::string(kFetching)).c_str(), 0);
  unlinkat(directory_.get(), name.c_str(), 0);
}

bool HeldSpool::Exists() const {
  struct stat held, there;
  return fstat(lock_.get(), &held) == 0 && stat(spool_.Path(kLock).c_str(), &there) == 0 &&
         held.st_ino == there.st_ino && held.st_dev == there.st_dev;
}

void HeldSpool::Remove() const {
  const bool in_place = Exists();
  unlinkat(directory_.get(), kSource, 0);
  for (const std::string& name : Names())
    if (name != "." && name != ".." && name != kLock) unlinkat(directory_.get(), name.c_str(), 0);
  unlinkat(directory_.get(), kLock, 0);
  if (in_place) rmdir(spool_.directory().c_str());
}

}  // namespace pitr
