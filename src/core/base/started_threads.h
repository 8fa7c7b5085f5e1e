// How many threads were started. Tests ask: what starts none needs no look for races (test/README.md).
#pragma once
#include <cstdint>

namespace pitr {

// By StartThread(), in this process, so far. Any thread.
uint64_t StartedThreads() noexcept;

}  // namespace pitr
