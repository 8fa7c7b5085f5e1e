// One loop on several threads.
#pragma once
#include <cstddef>
#include <functional>

#include "core/base/op_context.h"

namespace pitr {

// Calls each(index, worker) for every index in [0, count), in ascending order of start, on up to `jobs` threads (the
// caller waits); `worker` is in [0, jobs). The first status that is not ok, or a cancelled or expired `ctx`, stops the
// rest and is returned. Exceptions of `each` become kInternal.
Status ParallelFor(int jobs, size_t count, const OpContext& ctx,
                   const std::function<Status(size_t index, int worker)>& each);

}  // namespace pitr
