// A call that may never return: a directory on a dead mount keeps whoever opens a file there in a system call for as
// long as it likes. Main thread.
#pragma once
#include <functional>

#include "core/base/thread.h"

namespace pitr::cli {

// Runs `body`, which owns what it uses, on a thread, and asks `look` every 20 ms. Once that is not ok, `body` is
// cancelled; what it returns within half a second counts, else what `look` said, and the thread is left behind.
Status CallWhile(Job::Body body, const std::function<Status()>& look);

// `code` to return from main(); ends the process with it at once when a thread was left behind, which destructors of
// static objects must not meet.
int ExitCodeOrLeave(int code);

}  // namespace pitr::cli
