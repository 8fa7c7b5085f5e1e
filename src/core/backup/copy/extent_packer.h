// Puts what a job stores of files into frames of packs: a full frame is one piece, smaller pieces wait to fill one
// together. Notes which piece of which file is where, and records complete packs for a backup that resumes
// (pack_record.h). Batch after batch; packs stay open from one to the next until somebody wants to know all that was
// stored.
//
// One thread, not one of the pool's. Memory: one frame's plain bytes, what PackWriter takes, and held_bytes().
#pragma once
#include <cstdint>
#include <utility>
#include <vector>

#include "core/backup/copy/pack_record.h"
#include "core/backup/copy/pack_writer.h"
#include "core/backup/extents/stored_extents.h"
#include "core/base/progress.h"

namespace pitr {

// Where the packs of a backup go, the same for all its jobs. Borrowed; any thread.
struct PackTarget {
  const Repository& repository;
  PackTable& packs;
  PackRecord& record;
  ThreadPool& upload_pool;
  Progress& progress;
};

class ExtentPacker {
 public:
  // What becomes of zeroes: nothing, or where a parent's bytes would show through a hole.
  enum class Zeroes { kNothing, kHole };

  // `files`: the listing, of which records of packs tell paths, sizes and times; borrowed, as what `target` names. What
  // is said of a file in it must not change while another thread may complete a pack with a piece of it.
  ExtentPacker(const PackTarget& target, const std::vector<MappedFile>& files, const OpContext& ctx);

  // Stores `bytes`, a frame's plain bytes at the most, of `offset` of a file of the listing. Each byte of a file is
  // stored once. Errors as PackWriter::Append.
  Status Store(uint32_t file, uint64_t offset, ByteView bytes, Zeroes zeroes);
  // Nothing of the parent's is in `span`, less than 4 GiB, and nothing is stored.
  void LeaveHole(uint32_t file, FileSpan span);
  // To be called now and then, where it does not matter that a pack ends: packs what is noted of complete frames, and
  // closes a pack whose record would become too large. Errors as Close().
  Status Tidy();
  // Completes the frame that is being filled and the pack that is open: then all that was stored is in complete packs.
  // Errors as PackWriter::Close, naming the pack.
  Status Close();

  // After Close(): what was stored since they were taken last, extents counting through the frames.
  size_t frame_count() const { return writer_.frames().size(); }
  std::vector<MappedFrame> TakeFrames() {
    recorded_frames_ = 0;
    return writer_.TakeFrames();
  }
  StoredExtents TakeStored() { return std::exchange(stored_, {}); }
  // What frames and extents take.
  size_t held_bytes() const {
    return writer_.held_bytes() + stored_.held_bytes() +
           (extents_.capacity() + staged_extents_.capacity()) * sizeof(PendingExtent);
  }

 private:
  Status FlushStaged();
  // After a frame was stored and its extents are known: records what the pack holds, if it is complete now.
  void RecordPack();
  PartialMap MapOf(size_t first_frame, size_t first_extent) const;
  // Moves those of extents_ to stored_ at which RecordPack() will not look any more.
  void PackExtents();

  const PackTarget target_;
  const std::vector<MappedFile>& files_;
  const OpContext ctx_;
  PackWriter writer_;
  Bytes staged_;                               // small files and ends of files, waiting to fill a frame
  std::vector<PendingExtent> staged_extents_;  // in staged_
  std::vector<PendingExtent> extents_;         // stored and not in stored_ yet
  StoredExtents stored_;
  size_t recorded_frames_ = 0;   // of writer_.frames(): those of packs that RecordPack() has seen
  size_t recorded_extents_ = 0;  // of extents_, likewise
};

}  // namespace pitr
