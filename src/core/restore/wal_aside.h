// Saves WAL that may exist nowhere else: before a restore empties pg_wal of an existing data directory, segments that
// the archive does not have are moved into a directory beside it, where the server does not look and no later restore
// removes them.
#pragma once
#include <string>
#include <vector>

#include "core/repo/wal_catalog.h"
#include "core/restore/cluster_tree.h"

namespace pitr {

inline constexpr std::string_view kAsidePrefix = "pg_wal.before-restore";

// "pg_wal.before-restore-20261123T003000Z"
std::string AsideName(int64_t now_micros);

// A file that was kept for reuse: under the name of `segment` it holds an older segment, or zeroes. `first_bytes`:
// kLongWalPageHeaderSize or more.
bool IsRecycledSegment(ByteView first_bytes, SegmentNo segment, uint32_t segment_size);

struct AsideResult {
  std::vector<std::string> kept;  // file names moved to `aside`
  bool link_moved = false;        // pg_wal was a symbolic link; the link itself was renamed to `aside`
};

// Moves from pg_wal to `aside` (created when needed): what is marked .ready, what the archive lacks, history files
// among it. Segments whose header shows that they were recycled and never written again are left for removal. Calling
// again continues.
Result<AsideResult> SetWalAside(const ClusterTree& tree, const WalCatalog& archive, uint32_t segment_size,
                                const std::string& aside);

}  // namespace pitr
