// Reads a file map some pages at a time, so that what a reader holds does not grow with the cluster.
#pragma once
#include <vector>

#include "core/repo/maps/file_map.h"

namespace pitr {

// What the pages of one window take in memory, about; the last ones that are read may take it beyond that.
inline constexpr size_t kMapWindowBytes = size_t{4} << 20;

// Pages [first, end) of a list as one map, without directories and links, which are the list's. Frames that several of
// these pages have are there once.
struct MapWindow {
  size_t first = 0;
  size_t end = 0;
  FileMap map;
};

// Reads page `first` of `pages`, which exists, and those behind it until they take `bytes`; `jobs` at a time. `packs`
// are the manifest's, by whose numbers frames name theirs. Errors as StreamMapPage. kCorruption, too, for a file that
// belongs into another page. Memory: `bytes` and `jobs` pages, the largest of which is of one file of 98,000 extents:
// 64 bytes each.
Result<MapWindow> ReadMapWindow(const Repository& repository, const std::vector<PackEntry>& packs,
                                const std::vector<MapPage>& pages, size_t first, int jobs, const OpContext& ctx,
                                size_t bytes = kMapWindowBytes);

}  // namespace pitr
