// Who copies what: the files of a batch cut into units that threads take one after another. Large units come first, so
// that the small ones at the end let all threads finish together. Pure.
#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "core/backup/plan/copy_batch.h"
#include "core/repo/maps/file_map.h"

namespace pitr {

inline constexpr uint64_t kSliceBytes = uint64_t{64} << 20;  // the largest piece of a relation segment for one thread
inline constexpr uint64_t kMinSliceBytes = uint64_t{4} << 20;
inline constexpr uint64_t kGroupBytes = uint64_t{4} << 20;  // of small files in one unit
inline constexpr size_t kGroupFiles = 512;
// Small files of which those of equal names are put side by side. Restores read the file map by paths, so a frame must
// not be made of files from everywhere: it would be fetched again for each part of the map (repo/maps/map_window.h).
inline constexpr size_t kAlikeFiles = 32768;

struct WorkUnit {
  // Either a slice of one file (count 0): bytes from `from` to `to` of files[first]; or `count` whole small files,
  // order[first] and on.
  size_t first = 0;
  size_t count = 0;
  uint64_t from = 0;
  uint64_t to = 0;
  bool whole = true;  // no other unit has a part of the file, so its size may be taken anew when it is opened
};

struct WorkPlan {
  std::vector<WorkUnit> units;  // in the order they should be taken
  std::vector<uint32_t> order;  // small files, those that are likely to be alike next to each other
};

// Files of size 0 are in no unit: nothing is read of them. Only relation files are cut: the server replaces no page of
// those but in place, and WAL repairs them, while a file of another kind must be read through one descriptor to be of
// one piece.
// `skip`, when given, says which files (by index) are left out too.
WorkPlan PlanWork(const std::vector<MappedFile>& files, std::span<const FileRange> ranges, int jobs,
                  const std::function<bool(uint32_t)>& skip = {});

}  // namespace pitr
