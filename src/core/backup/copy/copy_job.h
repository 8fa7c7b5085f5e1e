// One thread's share of a backup: takes units of work, reads each byte once, verifies, compresses and packs it. Batch
// after batch; packs stay open from one to the next until somebody wants to know all that was stored.
//
// Invariant: what a job records of a file (extents, a new size, that it has vanished) belongs to units it took itself,
// so jobs share nothing but what CopyShared says. Memory of a job: two frames of plain data, one stored, a compressor
// (about 3 MiB at level 3) and (kPartsInFlightPerJob + 1) parts: with parts of 8 MiB about 30 MiB; and held_bytes().
#pragma once
#include <atomic>
#include <string>
#include <utility>
#include <vector>

#include "core/backup/copy/pack_record.h"
#include "core/backup/copy/pack_writer.h"
#include "core/backup/copy/reference_check.h"
#include "core/backup/data/data_directory.h"
#include "core/backup/data/page_cache.h"
#include "core/backup/data/page_check.h"
#include "core/backup/extents/stored_extents.h"
#include "core/backup/plan/file_plan.h"
#include "core/backup/plan/work_plan.h"
#include "core/base/progress.h"
#include "core/base/unique_fd.h"
#include "core/store/rate_limit.h"

namespace pitr {

// What all jobs of a backup use. Constant but for what says otherwise.
struct CopyShared {
  const Repository& repository;
  DataDirectory& directory;  // a file belongs to the job that has all of it; a sliced one is not changed
  const FilePlan& file_plan;
  uint32_t control_index;  // of the control file in directory.files; in no unit, written by the job that finishes last
  SystemId system_id;
  Lsn start_lsn;
  bool verify_pages = false;
  PackTable& packs;               // any thread
  PackRecord& record;             // any thread
  ReferenceFindings& references;  // any thread
  PageFindings& pages;            // any thread
  RateLimit& rate;                // any thread
  ThreadPool& upload_pool;        // any thread
  Progress& progress;             // any thread
  OpContext ctx;
  // The batch that is being copied; set while no job runs.
  WorkPlan plan{};
  bool last = false;  // there is no other after it
  std::atomic<size_t> next_unit{0};
  std::atomic<int> running{0};  // jobs that still read; of the last batch, the last one copies the control file
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
  // Completes the pack that is open. Then all that was read is in complete packs.
  Status Close();

  // After Close(): what the job stored since they were taken last, extents counting through the frames. What it refers
  // to the parent for is everything else in what it read.
  size_t frame_count() const { return packs_.frames().size(); }
  std::vector<MappedFrame> TakeFrames() {
    recorded_frames_ = 0;
    return packs_.TakeFrames();
  }
  StoredExtents TakeStored() { return std::exchange(stored_, {}); }
  std::vector<SliceEnd> TakeSlices() { return std::exchange(slices_, {}); }
  std::vector<uint32_t> TakeVanished() { return std::exchange(vanished_, {}); }
  // What frames and extents take.
  size_t held_bytes() const {
    return packs_.held_bytes() + stored_.held_bytes() +
           (extents_.capacity() + staged_extents_.capacity()) * sizeof(PendingExtent);
  }

 private:
  Status Unit(const WorkUnit& unit);
  Status WholeFile(uint32_t index);
  Status Slice(const WorkUnit& unit);
  // Opens a file; not ok() and no error when it has vanished.
  Result<UniqueFd> Open(const MappedFile& file);
  // Copies [from, to) as far as the file goes; result: where the bytes ended.
  Result<uint64_t> Range(int fd, uint32_t index, const MappedFile& file, uint64_t from, uint64_t to);
  Result<size_t> Read(int fd, const MappedFile& file, uint64_t offset, size_t length);
  // Of a file that the parent has: stores what was read at `offset` where it is not, or may not be, the parent's, and
  // leaves the rest to the parent's.
  Status StoreChanged(int fd, uint32_t index, const FileBase& base, uint64_t offset, ByteView bytes);
  // Copies a range of which the changed blocks are known, and reads only them; result as Range().
  Result<uint64_t> ChangedBlocks(int fd, uint32_t index, const MappedFile& file, const FileBase& base, FileSpan range);
  std::vector<FileSpan> ChangedSpans(const FileBase& base, uint64_t offset, ByteView bytes);
  // Nothing of the parent's is in [from, to), and nothing is stored.
  void LeaveHole(uint32_t index, uint64_t from, uint64_t to);
  // Stores what was read at `offset` of a file.
  Status Store(uint32_t index, uint64_t offset, ByteView bytes);
  Status FlushStaged();
  // After a frame was stored and its extents are known: records what the pack holds, if it is complete now.
  void RecordPack();
  // Moves those of extents_ to stored_ at which RecordPack() will not look any more.
  void PackExtents();
  Status Control();
  void AdjustTotal(uint64_t was, uint64_t is);

  CopyShared& shared_;
  const OpContext& ctx_;
  PackWriter packs_;
  PageChecker checker_;
  PageCacheKeeper cache_;
  ReferenceChecker references_;
  std::vector<uint32_t> bad_blocks_;           // of what was read last
  std::vector<Extent> base_extents_;           // of the range that is being copied
  std::vector<Extent> referred_;               // of the span that is being looked at
  Bytes buffer_;                               // what was read last
  Bytes staged_;                               // small files and ends of files, waiting to fill a frame
  std::vector<PendingExtent> staged_extents_;  // in staged_
  std::vector<PendingExtent> extents_;         // stored and not in stored_ yet
  StoredExtents stored_;
  size_t recorded_frames_ = 0;   // of packs_.frames(): those of packs that RecordPack() has seen
  size_t recorded_extents_ = 0;  // of extents_, likewise
  std::vector<SliceEnd> slices_;
  std::vector<uint32_t> vanished_;
};

}  // namespace pitr
