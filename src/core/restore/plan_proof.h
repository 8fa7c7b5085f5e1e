// The proof that a backup is worth something: the plans that the worst day needs succeed now. All that a plan looks at
// is looked at: WAL, history files, the objects of the backup and of those that it is built on.
#pragma once
#include "core/restore/planner.h"

namespace pitr {

// Plans recovery to the end of backup `label` and, starting from it, to the newest state of its branch. Errors as
// MakeRestorePlan; of the store (kUnavailable, kPermission, kCancelled) they prove nothing against the backup.
Status ProveBackup(const Repository& repository, const std::string& label, std::optional<Timeline> own_timeline,
                   const OpContext& ctx);

// Whether an error of ProveBackup says something about the backup.
bool SaysNotRestorable(const Status& status);

}  // namespace pitr
