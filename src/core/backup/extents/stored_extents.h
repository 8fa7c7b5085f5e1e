// What a backup stored of which file, packed, and how that and the parent's map make the extents of the new one.
// Nothing of the parent's map is copied: a file has what was stored of it, and the parent's extents for the rest.
#pragma once
#include <cassert>
#include <cstdint>
#include <span>
#include <vector>

#include "core/backup/extents/packed_extents.h"
#include "core/backup/extents/parent_map.h"

namespace pitr {

// In place of a frame: the bytes are zero now, whatever the parent has there.
inline constexpr uint32_t kHoleFrame = UINT32_MAX;

struct PendingExtent {
  uint32_t file = 0;
  Extent extent;

  bool operator<(const PendingExtent& other) const {
    return file != other.file ? file < other.file : extent.file_offset < other.extent.file_offset;
  }
};

// What one job stored. One writer. Memory: 24 bytes for each file and for each MiB of small pieces, and some 14 for
// each extent.
class StoredExtents {
 public:
  // Sorts them.
  void Add(std::span<PendingExtent> extents);
  // What they take.
  size_t held_bytes() const { return extents_.held_bytes() + runs_.capacity() * sizeof(Run); }

 private:
  friend class CopiedExtents;
  struct Run {
    uint32_t file = 0;
    uint32_t first_frame = 0;  // of the job, in the new map
    PackedExtents::Run extents;
  };
  PackedExtents extents_;
  std::vector<Run> runs_;
  std::vector<Extent> of_file_;  // of the run being added
};

// Which of its parent's packs a backup needs: they come behind its own.
class ParentPacks {
 public:
  // Both borrowed: the parent's packs, and those of the new backup, to which the others are added.
  ParentPacks(const std::vector<PackEntry>& theirs, std::vector<PackEntry>& packs)
      : theirs_(theirs), packs_(packs), numbers_(theirs.size(), UINT32_MAX) {}
  // The number of a pack of the parent's in the new backup.
  uint32_t Take(uint32_t pack) {
    assert(pack < numbers_.size());
    if (numbers_[pack] == UINT32_MAX) {
      numbers_[pack] = static_cast<uint32_t>(packs_.size());
      packs_.push_back(theirs_[pack]);
    }
    return numbers_[pack];
  }

 private:
  const std::vector<PackEntry>& theirs_;
  std::vector<PackEntry>& packs_;
  std::vector<uint32_t> numbers_;
};

// The extents of some files of a backup. First what was stored is taken, then the parent, and only then is it read. One
// thread.
class CopiedExtents {
 public:
  // `first_frame`: the number of the job's first frame in the new map.
  void Take(StoredExtents&& stored, uint32_t first_frame);
  // `bases`: what the parent (borrowed) has of each file of the listing; null: nothing is taken of it. `files` have the
  // sizes that were copied. Appends the parent's frames that are needed to `frames`, and their packs to `packs`.
  // kInternal: too many frames.
  Status TakeParent(const ParentMap& parent, std::vector<const ParentMap::File*> bases,
                    const std::vector<MappedFile>& files, std::vector<MappedFrame>& frames, ParentPacks& packs);

  // Ascending by offset; `frame` is that of the new map.
  std::vector<Extent> Of(uint32_t file, uint64_t size_bytes) const;

  // What extents take, those of the parent not counted.
  size_t held_bytes() const;

 private:
  // What was stored, holes too.
  std::vector<Extent> OwnOf(uint32_t file) const;
  // The parent's extents that `own` leaves, with the parent's numbers of frames.
  std::vector<Extent> ReferencesOf(uint32_t file, uint64_t size_bytes, const std::vector<Extent>& own) const;

  std::vector<PackedExtents> packed_;
  std::vector<StoredExtents::Run> runs_;  // ascending by file
  const ParentMap* parent_ = nullptr;
  std::vector<const ParentMap::File*> bases_;
  std::vector<uint32_t> frame_numbers_;  // of the parent's frames in the new map
};

}  // namespace pitr
