// Where the newest timeline of a data directory began, as its history file tells.
#pragma once
#include <optional>
#include <string>

#include "core/pg/history.h"
#include "core/restore/cluster_tree.h"

namespace pitr {

// Where a timeline left its parent. Only the last line of a history file says it: those before are not looked at,
// because PostgreSQL writes them out of order when recovery ended before the timeline that it was to follow had begun.
struct TimelineFork {
  Timeline timeline;
  Timeline parent;
  Lsn lsn;
  std::string reason;
};
// That of the newest timeline that pg_wal has a history file of; nullopt when there is none newer than `after`.
Result<std::optional<TimelineFork>> NewestFork(const ClusterTree& tree, Timeline after);

}  // namespace pitr
