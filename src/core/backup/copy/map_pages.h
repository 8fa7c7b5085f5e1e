// Stores pages of the file map of a running backup. They end where the parent's do, so that one new file changes one
// page: one that has grown too large is cut, a small one goes on into the next when that is stored anew, too.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "core/backup/extents/stored_extents.h"
#include "core/backup/plan/copy_batch.h"

namespace pitr {

// Files of which everything is in complete packs. All borrowed.
struct CompleteFiles {
  const std::vector<MappedFile>& listing;  // sizes are those that were copied
  const std::vector<bool>& vanished;       // of the listing, what is not in the backup after all
  std::span<const FileRange> ranges;       // ascending
  const CopiedExtents& extents;
  const std::vector<MappedFrame>& frames;
  const std::vector<PackEntry>& packs;
};

// Result: the pages, of which the first has the number `first_page`; ascending. Errors as MapPageStore.
Result<std::vector<MapPage>> StoreMapPages(const Repository& repository, const std::string& label, uint32_t first_page,
                                           const CompleteFiles& files, const OpContext& ctx);

}  // namespace pitr
