// A backup's files in batches, so that what is held of a batch has a bound, whatever the cluster's size: in the order
// of the paths, as the pages of the file map are. Pure.
#pragma once
#include <cstdint>
#include <vector>

#include "core/backup/changes/page_plan.h"

namespace pitr {

// What a backup holds of the file map before it stores pages of it; about as much may come on top with the batch that
// is being copied.
inline constexpr uint64_t kHeldMapBytes = uint64_t{16} << 20;

// Files [first, end) of a listing.
struct FileRange {
  static constexpr uint32_t kNoPage = UINT32_MAX;
  uint32_t first = 0;
  uint32_t end = 0;
  uint32_t page = kNoPage;  // of the parent's map: the range is of this page's range, or all of it

  bool operator==(const FileRange&) const = default;
};

struct CopyBatch {
  std::vector<FileRange> ranges;  // ascending, none of them empty
};

// Below base and pg_tblspc, where most files are and most of these stay as they are. The others are few, and something
// of them changes from backup to backup: they have pages of their own, and are copied last, as the control file is one
// of them.
bool IsDatabaseFile(const std::string& path);

// All files but those of pages that are taken over. `parent`: null without a parent. What is held of a batch is at the
// most about `held_bytes`, or that of one file. There is one at least, and the control file is in the last.
std::vector<CopyBatch> PlanBatches(const std::vector<MappedFile>& files, const PagePlan& pages,
                                   const ParentBackup* parent, uint64_t held_bytes);

}  // namespace pitr
