// Two servers that gave one number to different timelines.
#pragma once
#include <string>

#include "core/pg/history.h"
#include "core/repo/repository.h"
#include "core/repo/wal/wal_source.h"

namespace pitr {

// "leaves timeline 1 at 0/5000000 (no recovery target specified)"; "has no parent".
std::string DescribeFork(const TimelineHistory& history);

// `conflict`, the error of pushing history file `source` of `timeline` where another is stored, with both fork points
// and what to do. As it was when either cannot be read.
Status ExplainHistoryConflict(const Repository& repository, Timeline timeline, const WalSource& source, Status conflict,
                              const OpContext& ctx);

}  // namespace pitr
