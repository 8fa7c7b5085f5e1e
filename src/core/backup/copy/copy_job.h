// One thread's share of a backup: takes units of work, reads them (UnitReader), finds out what is to be stored
// (DeltaFilter) and stores it (ExtentPacker). Batch after batch.
//
// Invariant: what a job records of a file (extents, a new size, that it has vanished) belongs to units it took itself,
// so jobs share nothing but what CopyShared says. Memory of a job: two frames of plain data, one stored, a compressor
// (about 3 MiB at level 3) and (kPartsInFlightPerJob + 1) parts: with parts of 8 MiB about 30 MiB; and what its packer
// holds (ExtentPacker::held_bytes).
#pragma once
#include <utility>
#include <vector>

#include "core/backup/copy/delta_filter.h"
#include "core/backup/copy/extent_packer.h"
#include "core/backup/copy/unit_queue.h"
#include "core/backup/copy/unit_reader.h"

namespace pitr {

// What all jobs of a backup use. Borrowed; constant but for what says otherwise.
struct CopyShared {
  DataDirectory& directory;  // a file belongs to the job that has all of it; a sliced one is not changed
  const FilePlan& file_plan;
  uint32_t control_index;  // of the control file in directory.files; in no unit, written by the job that finishes last
  SystemId system_id;
  Lsn start_lsn;
  PageFindings* pages;            // any thread; null: pages are not verified
  ReferenceFindings& references;  // any thread
  RateLimit& rate;                // any thread
  PackTarget target;
  OpContext ctx;
  UnitQueue units{};  // of the batch that is being copied
};

// How much of a slice was there.
struct SliceEnd {
  uint32_t file = 0;
  uint64_t end = 0;  // of the bytes read; 0: none
  bool vanished = false;
};

class CopyJob {
 public:
  explicit CopyJob(CopyShared& shared);

  // Until no unit of the batch is left. Errors name the file or the pack.
  Status Run();

  // What the job stored. What it refers to the parent for is everything else in what it read.
  ExtentPacker& packer() { return packer_; }
  // What was found since it was taken last.
  std::vector<SliceEnd> TakeSlices() { return std::exchange(slices_, {}); }
  std::vector<uint32_t> TakeVanished() { return std::exchange(vanished_, {}); }

 private:
  Status Unit(const WorkUnit& unit);
  Status WholeFile(uint32_t index);
  Status Slice(const WorkUnit& unit);
  // Copies a range as far as the file goes; result: where the bytes ended.
  Result<uint64_t> Range(int fd, uint32_t index, FileSpan range);
  Status Piece(uint32_t index, const FilePiece& piece);
  Status Control();
  void AdjustTotal(uint64_t was, uint64_t is);
  ExtentPacker::Zeroes zeroes() const {
    return filter_.has_base() ? ExtentPacker::Zeroes::kHole : ExtentPacker::Zeroes::kNothing;
  }

  CopyShared& shared_;
  const OpContext& ctx_;
  Progress& progress_;
  UnitReader reader_;
  DeltaFilter filter_;
  ExtentPacker packer_;
  std::vector<SliceEnd> slices_;
  std::vector<uint32_t> vanished_;
};

}  // namespace pitr
