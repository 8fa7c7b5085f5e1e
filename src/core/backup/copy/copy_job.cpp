#include "core/backup/copy/copy_job.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "core/backup/data/file_stat.h"
#include "core/base/hash.h"
#include "core/pg/control.h"
#include "core/pg/relation_file.h"
#include "core/store/file_error.h"

namespace pitr {
namespace {

constexpr size_t kPackExtentsAt = 4096;  // extents that wait to be packed

}  // namespace

CopyJob::CopyJob(CopyShared& shared)
    : shared_(shared),
      ctx_(shared.ctx),
      packs_(shared.repository, shared.packs, shared.upload_pool, shared.progress, shared.ctx,
             shared.record.wanted() ? kMaxPackOpenMillis : INT64_MAX),
      checker_(shared.pages, shared.start_lsn),
      references_(shared.repository, shared.file_plan, shared.start_lsn),
      buffer_(kDataFramePlainBytes) {
  staged_.reserve(kDataFramePlainBytes);
}

Status CopyJob::Run() {
  for (;;) {
    PITR_TRY(ctx_.Check());
    const size_t next = shared_.next_unit.fetch_add(1);
    if (next >= shared_.plan.units.size()) break;
    PITR_TRY(Unit(shared_.plan.units[next]));
    if (extents_.size() >= kPackExtentsAt) PackExtents();
    // Those of the pack that is open, and of the frame that is being filled, wait for its record.
    if (shared_.record.wanted() && extents_.size() + staged_extents_.size() >= kMaxRecordedExtents) PITR_TRY(Close());
  }
  // As in PostgreSQL's own base backup the control file comes after every other file. A job that failed leaves
  // `running` as it is.
  if (shared_.running.fetch_sub(1) == 1 && shared_.last) PITR_TRY(Control());
  return Status::Ok();
}

Status CopyJob::Close() {
  PITR_TRY(FlushStaged());
  PITR_TRY(packs_.Close());
  RecordPack();
  PackExtents();
  return Status::Ok();
}

Status CopyJob::Unit(const WorkUnit& unit) {
  if (unit.count == 0) return unit.whole ? WholeFile(static_cast<uint32_t>(unit.first)) : Slice(unit);
  for (size_t i = 0; i < unit.count; i++) PITR_TRY(WholeFile(shared_.plan.order[unit.first + i]));
  return Status::Ok();
}

Result<UniqueFd> CopyJob::Open(const MappedFile& file) {
  const std::string absolute = shared_.directory.root + "/" + file.path;
  // Not blocking: should a pipe have taken the file's place, opening it must not hang.
  const int follow = shared_.directory.linked_files.contains(file.path) ? 0 : O_NOFOLLOW;
  UniqueFd fd(open(absolute.c_str(), O_RDONLY | O_CLOEXEC | follow | O_NONBLOCK));
  if (!fd.ok() && errno != ENOENT && errno != ENOTDIR) return FileError(errno, "opening \"" + absolute + "\"");
  return fd;
}

void CopyJob::AdjustTotal(uint64_t was, uint64_t is) {
  if (is > was) shared_.progress.bytes_total.fetch_add(is - was, std::memory_order_relaxed);
  if (is < was) shared_.progress.bytes_total.fetch_sub(was - is, std::memory_order_relaxed);
}

Status CopyJob::WholeFile(uint32_t index) {
  MappedFile& file = shared_.directory.files[index];
  const uint64_t planned = file.size_bytes;
  PITR_ASSIGN(const UniqueFd fd, Open(file));
  FileStat info;
  if (fd.ok() && !StatFile(fd.get(), *ctx_.clock, info))
    return FileError(errno, "looking at \"" + shared_.directory.root + "/" + file.path + "\"");
  if (!fd.ok() || !S_ISREG(info.mode)) {
    vanished_.push_back(index);
    AdjustTotal(planned, 0);
  } else {
    // The size when it is opened is what counts: the file may be a newer one than was listed, moved into its place.
    TakeStat(info, file);
    PITR_ASSIGN(const uint64_t end, Range(fd.get(), index, file, 0, file.size_bytes));
    file.size_bytes = end;
    AdjustTotal(planned, end);
  }
  shared_.progress.files_done.fetch_add(1, std::memory_order_relaxed);
  return Status::Ok();
}

Status CopyJob::Slice(const WorkUnit& unit) {
  const auto index = static_cast<uint32_t>(unit.first);
  const MappedFile& file = shared_.directory.files[index];
  PITR_ASSIGN(const UniqueFd fd, Open(file));
  SliceEnd slice{index, 0, !fd.ok()};
  if (fd.ok()) {
    PITR_ASSIGN(const uint64_t end, Range(fd.get(), index, file, unit.from, unit.to));
    slice.end = end > unit.from ? end : 0;
    LeaveHole(index, end, unit.to);
    AdjustTotal(unit.to - unit.from, end - unit.from);
  } else {
    AdjustTotal(unit.to - unit.from, 0);
  }
  slices_.push_back(slice);
  if (unit.to == file.size_bytes) shared_.progress.files_done.fetch_add(1, std::memory_order_relaxed);
  return Status::Ok();
}

Result<size_t> CopyJob::Read(int fd, const MappedFile& file, uint64_t offset, size_t length) {
  PITR_TRY(shared_.rate.Acquire(length, ctx_));
  size_t filled = 0;
  while (filled < length) {
    const ssize_t got = pread(fd, buffer_.data() + filled, length - filled, static_cast<off_t>(offset + filled));
    if (got < 0) {
      if (errno == EINTR) continue;
      return FileError(errno, "reading \"" + shared_.directory.root + "/" + file.path + "\" at offset " +
                                  std::to_string(offset + filled));
    }
    if (got == 0) break;
    filled += static_cast<size_t>(got);
  }
  return filled;
}

Result<uint64_t> CopyJob::Range(int fd, uint32_t index, const MappedFile& file, uint64_t from, uint64_t to) {
  const FileBase* base = shared_.file_plan.BaseOf(index);
  if (base != nullptr && base->way == FileBase::Way::kBlocks && !shared_.file_plan.verify)
    return ChangedBlocks(fd, index, file, *base, {from, to});
  if (base != nullptr) base_extents_ = shared_.file_plan.parent->ExtentsOf(*base->parent, {from, to});
  const bool verify = shared_.verify_pages && HasPages(file.path);
  cache_.Begin(fd, from, to - from);
  uint64_t at = from;
  while (at < to) {
    PITR_TRY(ctx_.Check());
    const size_t wanted = std::min<uint64_t>(kDataFramePlainBytes, to - at);
    PITR_ASSIGN(const size_t got, Read(fd, file, at, wanted));
    const std::span<uint8_t> bytes(buffer_.data(), got);
    bad_blocks_.clear();
    if (verify) PITR_TRY(checker_.Check(fd, file.path, at, bytes, bad_blocks_, ctx_));
    cache_.Release(at, got);
    if (got > 0) PITR_TRY(base != nullptr ? StoreChanged(fd, index, *base, at, bytes) : Store(index, at, bytes));
    shared_.progress.bytes_done.fetch_add(got, std::memory_order_relaxed);
    at += got;
    if (got < wanted) break;  // truncated since it was listed
  }
  return at;
}

void CopyJob::LeaveHole(uint32_t index, uint64_t from, uint64_t to) {
  if (from >= to || shared_.file_plan.BaseOf(index) == nullptr) return;
  extents_.push_back({index, {from, static_cast<uint32_t>(to - from), kHoleFrame, 0, false, 0}});
}

Status CopyJob::Store(uint32_t index, uint64_t offset, ByteView bytes) {
  if (AllZero(bytes)) {
    LeaveHole(index, offset, offset + bytes.size());
    return Status::Ok();
  }
  PendingExtent pending{index, {offset, static_cast<uint32_t>(bytes.size()), 0, 0, true, Xxh3Of(bytes)}};
  if (bytes.size() == kDataFramePlainBytes) {
    PITR_ASSIGN(pending.extent.frame, packs_.Append(bytes));
    extents_.push_back(pending);
    RecordPack();
    return Status::Ok();
  }
  // Blocks of relations lie where the blocks of the frame's checks do.
  if (bytes.size() % kCheckedBlockBytes == 0 && !staged_.empty())
    staged_.resize((staged_.size() + kCheckedBlockBytes - 1) / kCheckedBlockBytes * kCheckedBlockBytes);
  if (staged_.size() + bytes.size() > kDataFramePlainBytes) PITR_TRY(FlushStaged());
  pending.extent.frame_offset = static_cast<uint32_t>(staged_.size());
  staged_.insert(staged_.end(), bytes.begin(), bytes.end());
  staged_extents_.push_back(pending);
  return Status::Ok();
}

Status CopyJob::FlushStaged() {
  if (staged_.empty()) return Status::Ok();
  PITR_ASSIGN(const uint32_t frame, packs_.Append(staged_));
  for (PendingExtent& pending : staged_extents_) {
    pending.extent.frame = frame;
    extents_.push_back(pending);
  }
  staged_.clear();
  staged_extents_.clear();
  RecordPack();
  PackExtents();
  return Status::Ok();
}

void CopyJob::PackExtents() {
  const size_t count = shared_.record.wanted() && packs_.open() ? recorded_extents_ : extents_.size();
  stored_.Add(std::span(extents_).first(count));
  extents_.erase(extents_.begin(), extents_.begin() + static_cast<ptrdiff_t>(count));
  recorded_extents_ -= std::min(count, recorded_extents_);
}

Status CopyJob::Control() {
  const std::string path = shared_.directory.root + "/" + kControlFilePath;
  PITR_ASSIGN(const ControlFile control, ReadControlFile(path, *ctx_.clock));
  if (control.data.system_id != shared_.system_id)
    return {Code::kConflict, "file \"" + path + "\" was replaced by another cluster's during the backup"};
  FileStat info;
  if (!StatTarget(path, *ctx_.clock, info)) return FileError(errno, "looking at \"" + path + "\"");
  MappedFile& file = shared_.directory.files[shared_.control_index];
  TakeStat(info, file);
  file.size_bytes = control.raw.size();
  PITR_TRY(Store(shared_.control_index, 0, control.raw));
  shared_.progress.bytes_done.fetch_add(control.raw.size(), std::memory_order_relaxed);
  shared_.progress.files_done.fetch_add(1, std::memory_order_relaxed);
  return Status::Ok();
}

}  // namespace pitr
