// How a job copies a file that the parent backup has too.
#include <algorithm>

#include "core/backup/copy_job.h"

namespace pitr {

void CopyJob::Refer(uint32_t index, const FileBase& base, FileSpan span) {
  referred_.clear();
  ReferTo(shared_.changes.parent->ExtentsOf(*base.parent), span, referred_);
  uint64_t bytes = 0;
  for (const Extent& extent : referred_) {
    extents_.push_back({index, /*of_parent=*/true, extent});
    bytes += extent.length;
  }
  if (shared_.changes.resumes) shared_.progress.bytes_resumed.fetch_add(bytes, std::memory_order_relaxed);
}

Status CopyJob::StoreChanged(int fd, uint32_t index, const FileBase& base, uint64_t offset, ByteView bytes) {
  const std::span<const Extent> extents = shared_.changes.parent->ExtentsOf(*base.parent);
  const FileSpan range{offset, offset + bytes.size()};
  std::vector<FileSpan> changed = DifferingSpans(extents, offset, bytes);
  if (base.way == FileBase::Way::kPageLsn) {
    changed = NewerSpans(changed, extents, offset, bytes, shared_.changes.page_rule, bad_blocks_);
  } else if (base.way == FileBase::Way::kBlocks) {
    changed = Intersect(changed, BlockSpans(base.change->blocks, base.change->all_from, range));
  } else if (base.way == FileBase::Way::kUnchanged) {
    changed.clear();
  }
  for (const FileSpan& span : changed)
    PITR_TRY(Store(index, span.from, bytes.subspan(span.from - offset, span.to - span.from)));
  for (const FileSpan& span : Complement(changed, range)) {
    Refer(index, base, span);
    if (shared_.changes.verify && base.way != FileBase::Way::kCompare)
      PITR_TRY(references_.Check({fd, shared_.directory.files[index].path, span}, referred_,
                                 bytes.subspan(span.from - offset, span.to - span.from), shared_.references, ctx_));
  }
  return Status::Ok();
}

Result<uint64_t> CopyJob::ChangedBlocks(int fd, uint32_t index, const MappedFile& file, const FileBase& base,
                                        FileSpan range) {
  std::vector<FileSpan> changed = BlockSpans(base.change->blocks, base.change->all_from, range);
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
  for (const FileSpan& span : Complement(changed, {range.from, end})) Refer(index, base, span);
  // The caller counts the whole range as read.
  AdjustTotal(end - range.from, read);
  return end;
}

}  // namespace pitr
