#include "core/backup/change_range.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
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

Status StreamClusterFile(const std::string& path, size_t max_bytes, const std::function<Status(ByteView)>& each) {
  constexpr size_t kPiece = size_t{1} << 20;
  auto problem = [&](const char* doing) {
    const int error = errno;
    return Status(error == ENOENT ? Code::kNotFound : Code::kUnavailable,
                  std::string("could not ") + doing + " file \"" + path + "\": " + strerror(error));
  };
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.ok()) return problem("open");
  struct stat info {};
  if (fstat(fd.get(), &info) != 0) return problem("stat");
  const auto size = static_cast<uint64_t>(info.st_size);
  if (size > max_bytes)
    return Status(Code::kCorruption, "file \"" + path + "\" has " + std::to_string(size) + " bytes");
  Bytes piece(std::min<uint64_t>(kPiece, size));
  for (uint64_t at = 0; at < size;) {
    size_t filled = 0;
    const size_t wanted = std::min<uint64_t>(piece.size(), size - at);
    while (filled < wanted) {
      const ssize_t got = pread(fd.get(), piece.data() + filled, wanted - filled, static_cast<off_t>(at + filled));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return problem("read");
      if (got == 0) return Status(Code::kCorruption, "file \"" + path + "\" became shorter while it was read");
      filled += static_cast<size_t>(got);
    }
    PITR_TRY(each(ByteView(piece).first(wanted)));
    at += wanted;
  }
  return Status::Ok();
}

Result<Bytes> ReadClusterFile(const std::string& path, size_t max_bytes) {
  Bytes bytes;
  PITR_TRY(StreamClusterFile(path, max_bytes, [&](ByteView piece) {
    bytes.insert(bytes.end(), piece.begin(), piece.end());
    return Status::Ok();
  }));
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
