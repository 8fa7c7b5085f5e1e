// Saves WAL that may exist nowhere else: before a restore empties pg_wal of an existing data directory, files that the
// repository does not have are moved into a directory in pg_wal itself. So they stay on its file system, the server
// does not look at them, no base backup takes them along, and no later restore removes them.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "core/repo/archive/wal_catalog.h"
#include "core/restore/cluster_tree.h"
#include "core/restore/wal_scan.h"

namespace pitr {

// "pg_pitr.before-restore-20261123T003000.123Z": what a restore that began then sets aside, in pg_wal and in the data
// directory.
std::string AsideName(int64_t now_micros);

// A file that was kept for reuse: under its name it holds an older segment, or zeroes, or, where a timeline began, a
// segment of the timeline before it. `first_bytes`: kLongWalPageHeaderSize or more; `history`: of the timeline in the
// name, where it is known: a file that says it is an older timeline's is what its name says in the segment alone in
// which the timeline began.
bool IsRecycledSegment(ByteView first_bytes, const WalFileName& name, uint32_t segment_size,
                       const TimelineHistory* history);

// What a directory of WAL has that the repository has not.
struct UnstoredWal {
  std::vector<std::string> names;      // ascending
  std::vector<std::string> differing;  // of these, what is stored under the name is something else
  bool all_read = true;                // false: not everything was looked into for commits
  std::optional<WalMark> last_commit;  // in what was read and not archived elsewhere
  Timeline commit_timeline;            // on which that is
  // Who wrote what does not belong into this repository (wal_origin.h), and the last commit in it. Empty: nobody, or it
  // is all archived elsewhere.
  std::string others;
  bool others_may_go_on = false;  // it was not meant as a copy; the operator may know better
  std::optional<WalMark> others_commit;
  // Another repository that the server archived to, and the last commit in what it marked as archived there; empty when
  // there is none.
  std::string archived_to;
  std::optional<WalMark> archived_commit;

  // Whether anybody could want it in this repository.
  bool BelongsHere() const { return !names.empty() && (last_commit || (others.empty() && !archived_commit)); }
};

// Looks at the files in `directory` of `tree` ("pg_wal"), whose server is not running. Left out is what is stored (by
// the server's own .done mark and the listing, else by comparing content), what was archived and has expired since,
// recycled files, and, when all that is left is what a server writes while it is idle (checkpoints, and the history
// file of a timeline of which the repository has nothing), that too: nobody misses it. Errors of the store; a stored
// file that is damaged counts as missing. An absent directory has nothing.
Result<UnstoredWal> FindUnstoredWal(const Repository& repository, const WalCatalog& archive, const ClusterTree& tree,
                                    const std::string& directory, const OpContext& ctx);

// Moves `names` from pg_wal to pg_wal/`aside` (made when needed), durably, and leaves beside them whose they are.
// Calling again continues.
Status SetWalAside(const ClusterTree& tree, const std::vector<std::string>& names, const std::string& aside);

// For people: what there is only here, where it is (or will be), and what to do with it.
std::string DescribeUnstoredWal(const UnstoredWal& wal, const std::string& where, bool done);

}  // namespace pitr
