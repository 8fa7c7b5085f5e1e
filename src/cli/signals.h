// SIGINT and SIGTERM become a cancelled token, so that everything ends by itself and cleans up. A second signal ends
// the process at once.
#pragma once
#include "core/base/op_context.h"

namespace pitr::cli {

// Installs the handlers (once) and returns the token. Call from the main thread before any other thread starts.
const CancelToken& CatchSignals();
// The signal that cancelled; SIGTERM when none was caught.
int CaughtSignal();

}  // namespace pitr::cli
