// How a job copies a file that the parent backup has too.
#include <algorithm>

#include "core/backup/copy/copy_job.h"

namespace pitr {

// What of a range is to be stored: all else is the parent's.
std::vector<FileSpan> CopyJob::ChangedSpans(const FileBase& base, uint64_t offset, ByteView bytes) {
  const FileSpan range{offset, offset + bytes.size()};
  if (base.way == FileBase::Way::kUnchanged) return {};
  std::vector<FileSpan> changed = DifferingSpans(base_extents_, offset, bytes);
  if (base.way == FileBase::Way::kPageLsn) {
    changed = NewerSpans(changed, base_extents_, offset, bytes, shared_.file_plan.page_rule, bad_blocks_);
  } else if (base.way == FileBase::Way::kBlocks) {
    changed = Intersect(changed, BlockSpans(base.change->blocks, base.change->all_from, range));
  }
  return BoundPieces(changed, base_extents_, range);
}

Status CopyJob::StoreChanged(int fd, uint32_t index, const FileBase& base, uint64_t offset, ByteView bytes) {
  const FileSpan range{offset, offset + bytes.size()};
  const std::vector<FileSpan> changed = ChangedSpans(base, offset, bytes);
  for (const FileSpan& span : changed)
    PITR_TRY(Store(index, span.from, bytes.subspan(span.from - offset, span.to - span.from)));
  const bool verify = shared_.file_plan.verify && base.way != FileBase::Way::kCompare;
  if (!verify && !shared_.file_plan.resumes) return Status::Ok();
  for (const FileSpan& span : Complement(changed, range)) {
    referred_.clear();
    ReferTo(base_extents_, span, referred_);
    for (const Extent& extent : referred_)
      if (shared_.file_plan.resumes) shared_.progress.bytes_resumed.fetch_add(extent.length, std::memory_order_relaxed);
    if (verify)
      PITR_TRY(references_.Check({fd, shared_.directory.files[index].path, span}, referred_,
                                 bytes.subspan(span.from - offset, span.to - span.from), shared_.references, ctx_));
  }
  return Status::Ok();
}

Result<uint64_t> CopyJob::ChangedBlocks(int fd, uint32_t index, const MappedFile& file, const FileBase& base,
                                        FileSpan range) {
  base_extents_ = shared_.file_plan.parent->ExtentsOf(*base.parent, range);
  const std::vector<FileSpan> changed =
      BoundPieces(BlockSpans(base.change->blocks, base.change->all_from, range), base_extents_, range);
  uint64_t read = 0;
  uint64_t end = range.to;
  for (const FileSpan& span : changed) {
    cache_.Begin(fd, span.from, span.to - span.from);
    // Cut where other backups cut, so that later ones can take the pieces over as a whole.
    for (uint64_t at = span.from; at < span.to && at < end; at += kDataFramePlainBytes - at % kDataFramePlainBytes) {
      PITR_TRY(ctx_.Check());
      const size_t wanted = std::min<uint64_t>(kDataFramePlainBytes - at % kDataFramePlainBytes, span.to - at);
      PITR_ASSIGN(const size_t got, Read(fd, file, at, wanted));
      const std::span<uint8_t> bytes(buffer_.data(), got);
      bad_blocks_.clear();
      if (shared_.verify_pages) PITR_TRY(checker_.Check(fd, file.path, at, bytes, bad_blocks_, ctx_));
      cache_.Release(at, got);
      if (got > 0) PITR_TRY(Store(index, at, bytes));
      shared_.progress.bytes_done.fetch_add(got, std::memory_order_relaxed);
      read += got;
      if (got < wanted) end = at + got;  // truncated since it was listed
    }
    if (end < range.to) break;
  }
  // The caller counts the whole range as read.
  AdjustTotal(end - range.from, read);
  return end;
}

}  // namespace pitr
