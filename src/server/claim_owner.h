// Who a claim in shared memory belongs to. A claim is valid only while that process lives: a hook that withdraws it at
// exit can be missed (a worker that fails before it has one), and what nobody withdraws would stand until a restart.
// Plain data.
#pragma once
#include <cstdint>

namespace pitr::server {

struct ClaimOwner {
  int pid = 0;        // 0: nobody
  int64_t proc = -1;  // the process's place in PostgreSQL's array: a process that got the same pid later has another,
                      // or has got it after the exit hooks of this one
  bool operator==(const ClaimOwner&) const = default;
};

// This process, which must be connected to shared memory and run on a database.
ClaimOwner ThisProcess() noexcept;

// Whether the process still runs; true until it has gone through its exit hooks. Takes PostgreSQL's ProcArrayLock for
// reading, so never call it with that held; raises nothing.
bool Lives(const ClaimOwner& owner) noexcept;

}  // namespace pitr::server
