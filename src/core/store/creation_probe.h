// What an S3 store makes of If-None-Match: *, found out by trying when a repository is created.
#pragma once
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/op_context.h"
#include "core/store/open.h"

namespace pitr {

// Does the store create atomically? Creates objects of random names under probe/, one after the other and several at
// the same moment, and deletes them. False where the condition is refused, ignored, or kept only as long as nobody
// races. With retries, as config.retry says. Errors as Create, Get and Delete; credentials that may not delete will do.
Result<bool> ProbeConditionalCreate(const StoreConfig& config, Log& log, const Clock& clock, const OpContext& ctx);

// For who is told that it does not.
inline constexpr const char* kNotAtomic = "the store has no conditional creation; pg_pitr looks before it writes";
inline constexpr const char* kNotAtomicHint = "Make sure that only one server archives to this repository.";

}  // namespace pitr
