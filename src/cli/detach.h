// A process of our own that outlives the command that started it.
#pragma once
#include <functional>

namespace pitr::cli {

// Runs `body` in a process that belongs to no terminal, session or parent and holds none of the descriptors of this
// one; returns at once, false when no process could be made. Call before any thread exists. `body` gets no standard
// streams but /dev/null.
bool RunDetached(const std::function<void()>& body);

}  // namespace pitr::cli
