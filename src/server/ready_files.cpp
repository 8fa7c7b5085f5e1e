// Reads pg_wal/archive_status as the archiver itself does.
#include "server/ready_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "core/base/unique_fd.h"
#include "core/store/file_error.h"

namespace pitr::server {
namespace {

constexpr std::string_view kReady = ".ready";
constexpr std::string_view kHistory = ".history";
// What PostgreSQL's archiver accepts (postmaster/pgarch.h).
constexpr size_t kMinNameBytes = 16;
constexpr size_t kMaxNameBytes = 40;
constexpr size_t kSegmentNameBytes = 24;
constexpr char kNameCharacters[] = "0123456789ABCDEF.history.backup.partial";

bool Before(const std::string& a, const std::string& b) {
  const bool a_history = a.ends_with(kHistory), b_history = b.ends_with(kHistory);
  return a_history != b_history ? a_history : a < b;
}

template <class Fn>
Status ForEachReady(Fn fn) {
  std::unique_ptr<DIR, int (*)(DIR*)> directory(opendir(kStatusDirectory), closedir);
  if (!directory)
    return {Code::kPermission,
            std::string("could not open directory \"") + kStatusDirectory + "\": " + strerror(errno)};
  for (;;) {
    errno = 0;
    const dirent* entry = readdir(directory.get());
    if (entry == nullptr) break;
    std::string_view name = entry->d_name;
    if (!name.ends_with(kReady)) continue;
    name.remove_suffix(kReady.size());
    if (name.size() < kMinNameBytes || name.size() > kMaxNameBytes) continue;
    if (name.find_first_not_of(kNameCharacters) != name.npos) continue;
    fn(std::string(name));
  }
  if (errno != 0)
    return {Code::kPermission,
            std::string("could not read directory \"") + kStatusDirectory + "\": " + strerror(errno)};
  return Status::Ok();
}

}  // namespace

Result<std::vector<std::string>> ReadyFiles(size_t limit) {
  std::vector<std::string> names;
  PITR_TRY(ForEachReady([&](std::string name) { names.push_back(std::move(name)); }));
  const auto end = names.begin() + static_cast<std::ptrdiff_t>(std::min(limit, names.size()));
  std::partial_sort(names.begin(), end, names.end(), Before);
  names.erase(end, names.end());
  return names;
}

Result<Backlog> MeasureBacklog() {
  Backlog backlog;
  PITR_TRY(ForEachReady([&](std::string name) {
    struct stat info {};
    if (stat((std::string(kWalDirectory) + "/" + name).c_str(), &info) != 0)
      return;  // recycled: the archiver removes the mark
    backlog.files++;
    backlog.bytes += static_cast<uint64_t>(info.st_size);
    if (name.size() == kSegmentNameBytes && (backlog.oldest_segment.empty() || name < backlog.oldest_segment))
      backlog.oldest_segment = name;
    if (backlog.oldest.empty() || Before(name, backlog.oldest)) backlog.oldest = std::move(name);
  }));
  return backlog;
}

ArchiveMark MarkOf(const std::string& name) {
  const std::string base = std::string(kStatusDirectory) + "/" + name;
  if (access((base + ".done").c_str(), F_OK) == 0) return ArchiveMark::kDone;
  if (access((base + ".ready").c_str(), F_OK) == 0) return ArchiveMark::kReady;
  // Renamed from ready to done between the two looks?
  if (access((base + ".done").c_str(), F_OK) == 0) return ArchiveMark::kDone;
  return ArchiveMark::kNone;
}

Status MarkReady(const std::string& name) {
  const std::string base = std::string(kStatusDirectory) + "/" + name;
  const std::string ready = base + ".ready";
  if (rename((base + ".done").c_str(), ready.c_str()) == 0) return Status::Ok();
  if (errno == ENOENT) {
    const UniqueFd made(open(ready.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    if (made.ok()) return Status::Ok();
  }
  return FileError(errno, "marking WAL file \"" + name + "\" as waiting");
}

}  // namespace pitr::server
