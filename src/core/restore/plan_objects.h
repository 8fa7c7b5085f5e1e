// Proves that everything a restore will ask the repository for is there.
#pragma once
#include "core/restore/plan.h"

namespace pitr {

// Lists the packs of the plan's backup and asks for its file map: kCorruption naming what is missing or has another
// size than the manifest says. Sets fetch_bytes, restore_bytes and objects_checked.
Status CheckBackupObjects(const Repository& repository, RestorePlan& plan, const OpContext& ctx);

}  // namespace pitr
