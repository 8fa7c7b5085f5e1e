#include "core/backup/copy/copy_job.h"

#include <cerrno>

#include "core/backup/data/file_stat.h"
#include "core/pg/control.h"
#include "core/store/file_error.h"

namespace pitr {

CopyJob::CopyJob(CopyShared& shared)
    : shared_(shared),
      ctx_(shared.ctx),
      progress_(shared.target.progress),
      reader_(shared.directory, shared.pages, shared.start_lsn, shared.rate, shared.ctx),
      filter_(shared.target.repository, shared.file_plan, shared.start_lsn, shared.references, progress_, shared.ctx),
      packer_(shared.target, shared.directory.files, shared.ctx) {}

Status CopyJob::Run() {
  for (;;) {
    PITR_TRY(ctx_.Check());
    const WorkUnit* unit = shared_.units.Take();
    if (unit == nullptr) break;
    PITR_TRY(Unit(*unit));
    PITR_TRY(packer_.Tidy());
  }
  // As in PostgreSQL's own base backup the control file comes after every other file.
  if (shared_.units.Leave()) PITR_TRY(Control());
  return Status::Ok();
}

Status CopyJob::Unit(const WorkUnit& unit) {
  if (unit.count == 0) return unit.whole ? WholeFile(static_cast<uint32_t>(unit.first)) : Slice(unit);
  for (const uint32_t index : shared_.units.FilesOf(unit)) PITR_TRY(WholeFile(index));
  return Status::Ok();
}

void CopyJob::AdjustTotal(uint64_t was, uint64_t is) {
  if (is > was) progress_.bytes_total.fetch_add(is - was, std::memory_order_relaxed);
  if (is < was) progress_.bytes_total.fetch_sub(was - is, std::memory_order_relaxed);
}

Status CopyJob::WholeFile(uint32_t index) {
  MappedFile& file = shared_.directory.files[index];
  const uint64_t planned = file.size_bytes;
  PITR_ASSIGN(const UniqueFd fd, reader_.OpenAnew(file));
  if (!fd.ok()) {
    vanished_.push_back(index);
    AdjustTotal(planned, 0);
  } else {
    PITR_ASSIGN(const uint64_t end, Range(fd.get(), index, {0, file.size_bytes}));
    file.size_bytes = end;
    AdjustTotal(planned, end);
  }
  progress_.files_done.fetch_add(1, std::memory_order_relaxed);
  return Status::Ok();
}

Status CopyJob::Slice(const WorkUnit& unit) {
  const auto index = static_cast<uint32_t>(unit.first);
  const MappedFile& file = shared_.directory.files[index];
  PITR_ASSIGN(const UniqueFd fd, reader_.Open(file));
  SliceEnd slice{.file = index, .vanished = !fd.ok()};
  if (fd.ok()) {
    PITR_ASSIGN(const uint64_t end, Range(fd.get(), index, {unit.from, unit.to}));
    slice.end = end > unit.from ? end : 0;
    if (filter_.has_base()) packer_.LeaveHole(index, {end, unit.to});
    AdjustTotal(unit.to - unit.from, end - unit.from);
  } else {
    AdjustTotal(unit.to - unit.from, 0);
  }
  slices_.push_back(slice);
  if (unit.to == file.size_bytes) progress_.files_done.fetch_add(1, std::memory_order_relaxed);
  return Status::Ok();
}

Result<uint64_t> CopyJob::Range(int fd, uint32_t index, FileSpan range) {
  uint64_t read = 0;
  uint64_t end = range.to;
  for (const FileSpan& span : filter_.Begin(index, range)) {
    reader_.Begin(fd, shared_.directory.files[index], span);
    for (;;) {
      PITR_ASSIGN(const FilePiece piece, reader_.Next());
      if (piece.bytes.empty()) break;
      PITR_TRY(Piece(index, piece));
      read += piece.bytes.size();
    }
    if (reader_.at() == span.to) continue;
    end = reader_.at();
    break;
  }
  // The caller counts the whole range as read.
  AdjustTotal(end - range.from, read);
  return end;
}

Status CopyJob::Piece(uint32_t index, const FilePiece& piece) {
  for (const FileSpan& span : filter_.ToStore(piece))
    PITR_TRY(packer_.Store(index, span.from, piece.BytesOf(span), zeroes()));
  PITR_TRY(filter_.LeaveRest(piece));
  progress_.bytes_done.fetch_add(piece.bytes.size(), std::memory_order_relaxed);
  return Status::Ok();
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
  PITR_TRY(packer_.Store(shared_.control_index, 0, control.raw, ExtentPacker::Zeroes::kNothing));
  progress_.bytes_done.fetch_add(control.raw.size(), std::memory_order_relaxed);
  progress_.files_done.fetch_add(1, std::memory_order_relaxed);
  return Status::Ok();
}

}  // namespace pitr
