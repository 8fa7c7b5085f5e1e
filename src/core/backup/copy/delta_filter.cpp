#include "core/backup/copy/delta_filter.h"

namespace pitr {

DeltaFilter::DeltaFilter(const Repository& repository, const FilePlan& plan, Lsn start, ReferenceFindings& findings,
                         Progress& progress, const OpContext& ctx)
    : plan_(plan), findings_(findings), progress_(progress), ctx_(ctx), checker_(repository, plan, start) {}

const std::vector<FileSpan>& DeltaFilter::Begin(uint32_t index, FileSpan range) {
  base_ = plan_.BaseOf(index);
  reads_blocks_ = base_ != nullptr && base_->way == FileBase::Way::kBlocks && !plan_.verify;
  extents_.clear();
  if (base_ != nullptr) extents_ = plan_.parent->ExtentsOf(*base_->parent, range);
  if (reads_blocks_) {
    to_read_ = BoundPieces(BlockSpans(base_->change->blocks, base_->change->all_from, range), extents_, range);
  } else {
    to_read_.assign(1, range);
  }
  return to_read_;
}

std::vector<FileSpan> DeltaFilter::ChangedSpans(const FilePiece& piece) const {
  if (base_->way == FileBase::Way::kUnchanged) return {};
  std::vector<FileSpan> changed = DifferingSpans(extents_, piece.offset, piece.bytes);
  if (base_->way == FileBase::Way::kPageLsn) {
    changed = NewerSpans(changed, extents_, piece.offset, piece.bytes, plan_.page_rule, piece.bad_blocks);
  } else if (base_->way == FileBase::Way::kBlocks) {
    changed = Intersect(changed, BlockSpans(base_->change->blocks, base_->change->all_from, piece.span()));
  }
  return BoundPieces(changed, extents_, piece.span());
}

const std::vector<FileSpan>& DeltaFilter::ToStore(const FilePiece& piece) {
  if (stores_all()) {
    to_store_.assign(1, piece.span());
  } else {
    to_store_ = ChangedSpans(piece);
  }
  return to_store_;
}

Status DeltaFilter::LeaveRest(const FilePiece& piece) {
  if (stores_all()) return Status::Ok();
  const bool verify = plan_.verify && base_->way != FileBase::Way::kCompare;
  if (!verify && !plan_.resumes) return Status::Ok();
  for (const FileSpan& span : Complement(to_store_, piece.span())) {
    referred_.clear();
    ReferTo(extents_, span, referred_);
    for (const Extent& extent : referred_)
      if (plan_.resumes) progress_.bytes_resumed.fetch_add(extent.length, std::memory_order_relaxed);
    if (verify) PITR_TRY(checker_.Check(piece, span, referred_, findings_, ctx_));
  }
  return Status::Ok();
}

}  // namespace pitr
