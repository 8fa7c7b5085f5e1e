#include "core/backup/change_range.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/base/unique_fd.h"
#include "core/pg/wal_name.h"
#include "core/repo/wal_fetch.h"

namespace pitr {
namespace {

Result<TimelineHistory> LoadHistory(const Repository& repository, const std::string& data_directory, Timeline timeline,
                                    const OpContext& ctx) {
  if (timeline == Timeline{1}) return TimelineHistory::Root(timeline);
  const std::string name = HistoryFileName(timeline);
  auto text = ReadClusterFile(data_directory + "/pg_wal/" + name, kMaxHistoryFileSize);
  if (!text.ok()) text = FetchWalBytes(repository, name, ctx);
  if (!text.ok()) return std::move(text).status();
  return TimelineHistory::Parse(timeline, AsText(text.value()));
}

}  // namespace

Result<Bytes> ReadClusterFile(const std::string& path, size_t max_bytes) {
  auto problem = [&](const char* doing) {
    const int error = errno;
    return Status(error == ENOENT ? Code::kNotFound : Code::kUnavailable,
                  std::string("could not ") + doing + " file \"" + path + "\": " + strerror(error));
  };
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.ok()) return problem("open");
  struct stat info {};
  if (fstat(fd.get(), &info) != 0) return problem("stat");
  if (static_cast<uint64_t>(info.st_size) > max_bytes)
    return Status(Code::kCorruption, "file \"" + path + "\" has " + std::to_string(info.st_size) + " bytes");
  Bytes bytes(static_cast<size_t>(info.st_size));
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t got = pread(fd.get(), bytes.data() + done, bytes.size() - done, static_cast<off_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return problem("read");
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  bytes.resize(done);
  return bytes;
}

Result<ChangeRange> MakeChangeRange(const Repository& repository, const std::string& data_directory,
                                    const BackupManifest& parent, Timeline timeline, Lsn start_lsn,
                                    const OpContext& ctx) {
  PITR_ASSIGN(TimelineHistory history, LoadHistory(repository, data_directory, timeline, ctx));
  if (!history.ReachedFrom(parent.stop_timeline, parent.stop_lsn))
    return Status(Code::kConflict,
                  "backup \"" + parent.label + "\" is not on the way to timeline " + std::to_string(timeline.value));
  return ChangeRange{std::move(history), parent.start_lsn, start_lsn};
}

}  // namespace pitr
