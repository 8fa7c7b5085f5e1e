// Runs something for each job of a backup in a thread of its own.
#pragma once
#include <functional>
#include <memory>
#include <vector>

#include "core/backup/copy/copy_job.h"

namespace pitr {

// Blocks the calling thread, which looks at `ctx` ten times a second, until all have returned. The first failure counts
// and cancels `stop`, by which the other jobs learn of it; so does `ctx`. After that `stop` is of no more use.
Status RunJobs(const std::vector<std::unique_ptr<CopyJob>>& jobs, const std::function<Status(CopyJob&)>& body,
               CancelToken& stop, const OpContext& ctx);

}  // namespace pitr
