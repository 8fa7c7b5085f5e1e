// The timelines of the archive that left the one a server writes: somebody recovered or was promoted from it, and it is
// asked whether this server should still run.
#pragma once
#include <string>

#include "core/repo/repository.h"

namespace pitr {

// A warning for the server that writes `own`, sentences, when its archive has timelines that left it, of which one was
// not set aside; "" when there is none, which takes one request. Errors are those of the store.
Result<std::string> DescribeSuccessors(const Repository& repository, Timeline own, const OpContext& ctx);

}  // namespace pitr
