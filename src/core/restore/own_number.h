// The number that a restored server's new timeline gets: one that no other restore from the same repository was given,
// so that servers which are made anew from one state and archive elsewhere do not call different timelines alike
// (docs/design/009-restored-servers.md). Any thread.
#pragma once
#include <string>

#include "core/repo/repository.h"
#include "core/restore/plan.h"
#include "core/restore/restore_mark.h"

namespace pitr {

// What the module tells the programs that the server calls: the repository that this server archives to.
inline constexpr const char* kArchivesToVariable = "PG_PITR_ARCHIVES_TO";

// Before a restore changes the directory `tree`: a number that was given to a server which opened here is that
// server's, and goes from the mark, which remembers the highest. One that never opened leaves its number to the restore
// that takes its place. `last`: the timeline that the cluster was on; invalid: not known.
Status ForgetUsedNumber(const ClusterTree& tree, bool unfinished_restore, Timeline last);
// That highest; invalid: no server is known to have opened there after a restore.
Timeline UsedNumber(const ClusterTree& tree);

// The number for a restore that takes none from the repository, because nothing is to be written there or it may not:
// one that no server here has had. What other directories had is not known. Invalid when `used` is. Pure.
Timeline NumberOfDirectory(Timeline used, const RestorePlan& plan);

// The number that the mark in `tree` has left, if it will still do, or one that is taken from the repository: an object
// number/<number> is created there by the name of `by`.
Result<Timeline> OwnNumber(const Repository& repository, const ClusterTree& tree, const RestorePlan& plan,
                           const std::string& by, const OpContext& ctx);

// Whether the server of `data_directory`, asking for the history file of `timeline`, is to be told that there is one,
// because the number was given to another restore: PostgreSQL takes the next number for which there is none, and reads
// none of these files. Only while it recovers after a restore, on the timeline that the restore chose. `archives_to`:
// its repository, "" when not known. Where that is the one it was restored from, the archive itself knows what is
// taken, and numbers follow one another without a gap: a standby that follows the latest timeline stops at the first.
bool IsNumberOfAnother(const std::string& data_directory, Timeline timeline, const std::string& archives_to);

}  // namespace pitr
