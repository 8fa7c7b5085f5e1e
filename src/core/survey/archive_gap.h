// WAL that is missing in the archive behind the newest backup, so that what has been archived since leads nowhere.
#pragma once
#include <string>

#include "core/repo/repository.h"

namespace pitr {

// A warning in the parts that ereport() takes; all empty when nothing is missing.
struct ArchiveGap {
  std::string message, detail, hint;
};

// On the way to the timeline `own`, which the server writes or follows. Lists manifests and wal/. Errors are those of
// the store. An archive that a plan would refuse for another reason has no gap.
Result<ArchiveGap> FindArchiveGap(const Repository& repository, Timeline own, const OpContext& ctx);

}  // namespace pitr
