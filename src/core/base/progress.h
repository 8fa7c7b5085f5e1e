// Counters that worker threads raise and an owner shows: shared memory in the server, a bar in the binary.
#pragma once
#include <atomic>
#include <cstdint>

namespace pitr {

// Lock-free; any thread. Bytes are of plain file data unless named otherwise.
struct Progress {
  std::atomic<const char*> phase{""};  // what is being done, a literal; bytes may be done before the last phase is
  std::atomic<uint64_t> bytes_total{0};
  std::atomic<uint64_t> bytes_done{0};
  std::atomic<uint64_t> files_total{0};
  std::atomic<uint64_t> files_done{0};
  std::atomic<uint64_t> bytes_stored{0};   // sent to, or fetched from, the repository
  std::atomic<uint64_t> bytes_resumed{0};  // of a backup: not sent, because an interrupted one had stored them
};

}  // namespace pitr
