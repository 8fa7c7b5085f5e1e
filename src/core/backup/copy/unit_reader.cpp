#include "core/backup/copy/unit_reader.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>

#include "core/backup/data/file_stat.h"
#include "core/pg/relation_file.h"
#include "core/store/file_error.h"

namespace pitr {

UnitReader::UnitReader(const DataDirectory& directory, PageFindings* pages, Lsn start, RateLimit& rate,
                       const OpContext& ctx)
    : directory_(directory), rate_(rate), ctx_(ctx), buffer_(kDataFramePlainBytes) {
  if (pages != nullptr) checker_.emplace(*pages, start);
}

Result<UniqueFd> UnitReader::Open(const MappedFile& file) const {
  const std::string absolute = PathOf(file);
  // Not blocking: should a pipe have taken the file's place, opening it must not hang.
  const int follow = directory_.linked_files.contains(file.path) ? 0 : O_NOFOLLOW;
  UniqueFd fd(open(absolute.c_str(), O_RDONLY | O_CLOEXEC | follow | O_NONBLOCK));
  if (!fd.ok() && errno != ENOENT && errno != ENOTDIR) return FileError(errno, "opening \"" + absolute + "\"");
  return fd;
}

Result<UniqueFd> UnitReader::OpenAnew(MappedFile& file) const {
  PITR_ASSIGN(UniqueFd fd, Open(file));
  if (!fd.ok()) return fd;
  FileStat info;
  if (!StatFile(fd.get(), *ctx_.clock, info)) return FileError(errno, "looking at \"" + PathOf(file) + "\"");
  if (!S_ISREG(info.mode)) return UniqueFd();
  TakeStat(info, file);
  return fd;
}

void UnitReader::Begin(int fd, const MappedFile& file, FileSpan span) {
  assert(span.from <= span.to);
  fd_ = fd;
  file_ = &file;
  has_pages_ = checker_ && HasPages(file.path);
  at_ = span.from;
  end_ = span.to;
  cache_.Begin(fd, span.from, span.to - span.from);
}

Result<size_t> UnitReader::Read(size_t length) {
  PITR_TRY(rate_.Acquire(length, ctx_));
  size_t filled = 0;
  while (filled < length) {
    const ssize_t got = pread(fd_, buffer_.data() + filled, length - filled, static_cast<off_t>(at_ + filled));
    if (got < 0) {
      if (errno == EINTR) continue;
      return FileError(errno, "reading \"" + PathOf(*file_) + "\" at offset " + std::to_string(at_ + filled));
    }
    if (got == 0) break;
    filled += static_cast<size_t>(got);
  }
  return filled;
}

Result<FilePiece> UnitReader::Next() {
  assert(file_ != nullptr);
  bad_blocks_.clear();
  const uint64_t offset = at_;
  size_t got = 0;
  if (at_ < end_) {
    PITR_TRY(ctx_.Check());
    const size_t wanted = std::min<uint64_t>(kDataFramePlainBytes - at_ % kDataFramePlainBytes, end_ - at_);
    PITR_ASSIGN(got, Read(wanted));
    const std::span<uint8_t> bytes(buffer_.data(), got);
    if (has_pages_) PITR_TRY(checker_->Check(fd_, file_->path, at_, bytes, bad_blocks_, ctx_));
    cache_.Release(at_, got);
    at_ += got;
    if (got < wanted) end_ = at_;  // truncated since it was listed
  }
  return FilePiece{.fd = fd_,
                   .path = file_->path,
                   .offset = offset,
                   .bytes = ByteView(buffer_).first(got),
                   .bad_blocks = bad_blocks_};
}

}  // namespace pitr
