// What one WAL record says of changed blocks: its references to blocks, and what its resource manager tells of whole
// relations, databases and tablespaces. Pure functions; any thread. What other programs look at: SummarizeWAL() in
// postmaster/walsummarizer.c of PostgreSQL 17.
#pragma once
#include "core/pg/block_changes.h"
#include "core/pg/replay_action.h"

namespace pitr {

// Adds the record's changes. kCorruption when the record is shorter than what it must hold; some of its changes may
// have been added then.
Status AddChangesOf(const WalRecord& record, BlockChanges* changes, std::vector<ReplayAction>* actions);

}  // namespace pitr
