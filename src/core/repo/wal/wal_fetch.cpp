#include "core/repo/wal/wal_fetch.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>

#include "core/base/error_text.h"
#include "core/base/unique_fd.h"
#include "core/repo/layout.h"
#include "core/repo/wal/partial_segment.h"
#include "core/repo/wal/wal_check.h"
#include "core/store/absence.h"

namespace pitr {
namespace {

// Never kNotFound: that is for what the repository does not have.
Status FileProblem(const std::string& path, const char* doing, int error) {
  Code code = Code::kUnavailable;
  if (error == ENOENT || error == ENOTDIR || error == EISDIR) code = Code::kInvalidArgument;
  if (error == EACCES || error == EPERM || error == EROFS) code = Code::kPermission;
  return {code, std::string("could not ") + doing + " file \"" + path + "\": " + ErrorText(error)};
}

// A file that is removed again unless it has been given its final name.
class TempFile {
 public:
  static Result<TempFile> Create(const std::string& destination) {
    static std::atomic<unsigned> counter{0};
    std::string path = destination + ".pg_pitr.tmp." + std::to_string(getpid()) + "." + std::to_string(counter++);
    UniqueFd fd(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!fd.ok()) return FileProblem(path, "create", errno);
    return TempFile(std::move(path), std::move(fd));
  }
  TempFile(TempFile&&) noexcept = default;
  TempFile& operator=(TempFile&&) = delete;
  ~TempFile() {
    if (fd_.ok()) unlink(path_.c_str());
  }

  Status Write(ByteView bytes) {
    while (!bytes.empty()) {
      const ssize_t n = write(fd_.get(), bytes.data(), bytes.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return FileProblem(path_, "write to", errno);
      bytes = bytes.subspan(static_cast<size_t>(n));
    }
    return Status::Ok();
  }

  // Durable under `destination` when ok.
  Status Commit(const std::string& destination) {
    if (fsync(fd_.get()) != 0) return FileProblem(path_, "fsync", errno);
    if (rename(path_.c_str(), destination.c_str()) != 0) return FileProblem(destination, "rename to", errno);
    fd_.Reset();
    const size_t slash = destination.rfind('/');
    const std::string directory = slash == std::string::npos ? "." : slash == 0 ? "/" : destination.substr(0, slash);
    UniqueFd parent(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!parent.ok()) return FileProblem(directory, "open", errno);
    // Some file systems cannot sync directories and say so.
    if (fsync(parent.get()) != 0 && errno != EINVAL) return FileProblem(directory, "fsync", errno);
    return Status::Ok();
  }

 private:
  TempFile(std::string path, UniqueFd fd) : path_(std::move(path)), fd_(std::move(fd)) {}
  std::string path_;
  UniqueFd fd_;  // closed once committed, or moved away
};

Status StreamLongestPartial(const Repository& repository, const std::string& name, const ObjectStreamReader::Sink& sink,
                            const OpContext& ctx) {
  const std::string segment = name.substr(0, name.find('.'));
  PITR_ASSIGN(const std::vector<PartialSegment> partials, ListPartialSegments(repository, segment, ctx));
  if (partials.empty()) return {Code::kNotFound, "WAL file \"" + name + "\" is not in the repository"};
  return StreamPartialSegment(repository, partials.back(), sink, ctx);
}

}  // namespace

Status StreamWalFile(const Repository& repository, const std::string& name, const ObjectStreamReader::Sink& sink,
                     const OpContext& ctx) {
  PITR_ASSIGN(const WalFileName parsed, CheckWalName(repository, name));
  if (parsed.kind == WalFileKind::kPartial) return StreamLongestPartial(repository, name, sink, ctx);
  const std::string key = layout::WalKey(name);
  const uint64_t limit = MaxWalFileBytes(repository, parsed);
  FirstBytes first;
  uint64_t size = 0;
  auto corrupt = [&](const std::string& why) { return Status(Code::kCorruption, "object \"" + key + "\": " + why); };
  ObjectStreamReader reader(ObjectKind::kWal, key, repository.key(), [&](ByteView plain) -> Status {
    first.Take(plain);
    size += plain.size();
    if (size > limit)
      return corrupt("it holds more than the " + std::to_string(limit) + " bytes a file of this name can have");
    return sink(plain);
  });
  Status status = repository.store().Get(
      key, {}, [&](ByteView piece) { return reader.Feed(piece); }, ctx);
  if (status.code() == Code::kNotFound) {
    // It ends a recovery, which then goes on without what the archive has: one look is not enough.
    status = ConfirmAbsent(repository.store(), key, ctx);
    if (status.code() == Code::kNotFound)
      return Status(Code::kNotFound, "WAL file \"" + name + "\" is not in the repository");
  }
  if (status.ok()) status = reader.Finish().status();
  if (!status.ok()) return std::move(status).Annotate("fetching WAL file \"" + name + "\"");
  if (Status content = CheckWalContent(repository, parsed, first.view(), size); !content.ok())
    return corrupt(content.message()).Annotate("fetching WAL file \"" + name + "\"");
  return status;
}

Status FetchWalFile(const Repository& repository, const std::string& name, const std::string& destination,
                    const OpContext& ctx) {
  // Made when the first bytes come, so that asking for what is not there leaves no trace.
  std::optional<TempFile> file;
  auto create = [&]() -> Status {
    PITR_ASSIGN(TempFile made, TempFile::Create(destination));
    file.emplace(std::move(made));
    return Status::Ok();
  };
  PITR_TRY(StreamWalFile(
      repository, name,
      [&](ByteView plain) -> Status {
        if (!file) PITR_TRY(create());
        return file->Write(plain);
      },
      ctx));
  if (!file) return {Code::kInternal, "WAL file \"" + name + "\" was fetched without content"};
  return file->Commit(destination);
}

Result<Bytes> FetchWalBytes(const Repository& repository, const std::string& name, const OpContext& ctx) {
  Bytes bytes;
  PITR_TRY(StreamWalFile(
      repository, name,
      [&](ByteView plain) {
        if (bytes.empty() && plain.size() >= kWalFramePlainBytes) bytes.reserve(repository.segment_size());
        bytes.insert(bytes.end(), plain.begin(), plain.end());
        return Status::Ok();
      },
      ctx));
  return bytes;
}

}  // namespace pitr
