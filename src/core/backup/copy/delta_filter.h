// Which bytes of a file a job stores, and which are left to the parent backup, or to interrupted ones, that have them.
// What it leaves it can prove. Without a base everything is read and stored.
//
// One thread, file after file. Memory: the parent's extents of the range that is being copied; for a proof a frame's
// plain bytes, twice.
#pragma once
#include <vector>

#include "core/backup/copy/file_piece.h"
#include "core/backup/copy/reference_check.h"
#include "core/backup/plan/file_plan.h"
#include "core/base/progress.h"

namespace pitr {

class DeltaFilter {
 public:
  // All borrowed. The plan must know the files that are copied; findings and progress may be used by other threads.
  // `start`: of this backup.
  DeltaFilter(const Repository& repository, const FilePlan& plan, Lsn start, ReferenceFindings& findings,
              Progress& progress, const OpContext& ctx);

  // From now on `range` of file `index` of the listing is copied. Result: what of it is to be read, ascending; valid
  // until the next call.
  const std::vector<FileSpan>& Begin(uint32_t index, FileSpan range);
  // Whether the parent has something of the file, so that zeroes are to be stored as holes: its bytes would show
  // through.
  bool has_base() const { return base_ != nullptr; }

  // What of a piece, which was read within the range, is to be stored, ascending; valid until the next call.
  const std::vector<FileSpan>& ToStore(const FilePiece& piece);
  // The rest of the piece that ToStore() was asked about is the parent's: counts what is taken over of interrupted
  // backups, and where the plan wants a proof reads from the parent what its checksums do not prove. What differs
  // becomes a finding and no error. Errors as ReferenceChecker::Check.
  Status LeaveRest(const FilePiece& piece);

 private:
  std::vector<FileSpan> ChangedSpans(const FilePiece& piece) const;
  // Whether everything that Begin() said is to be read is to be stored.
  bool stores_all() const { return base_ == nullptr || reads_blocks_; }

  const FilePlan& plan_;
  ReferenceFindings& findings_;
  Progress& progress_;
  const OpContext ctx_;
  ReferenceChecker checker_;
  const FileBase* base_ = nullptr;  // of the file
  bool reads_blocks_ = false;       // only those of which it is known that they may have changed
  std::vector<Extent> extents_;     // the parent's, of the range
  std::vector<FileSpan> to_read_;
  std::vector<FileSpan> to_store_;
  std::vector<Extent> referred_;  // of the span that is being looked at
};

}  // namespace pitr
