// Keeps a stream of bytes below a rate: readers ask before they read and are made to wait their turn.
// Safe from several threads; the rate is shared among them in the order they ask.
#pragma once
#include <cstdint>
#include <mutex>

#include "core/base/op_context.h"

namespace pitr {

class RateLimit {
 public:
  // 0: no limit. Unused time is saved up to a quarter of a second, so the rate holds over any longer interval.
  explicit RateLimit(uint64_t bytes_per_second) : bytes_per_second_(bytes_per_second) {}

  // From now on, `clock` being that of the calls below; who waits for its turn already goes by the new rate within half
  // a second. Any thread.
  void SetRate(uint64_t bytes_per_second, const Clock& clock = SystemClock());

  // Returns when `bytes` may be read: kCancelled or kUnavailable (deadline) as ctx says, then the bytes are
  // counted all the same. Time is that of ctx's clock, which must be the same in all calls.
  Status Acquire(uint64_t bytes, const OpContext& ctx);

 private:
  // Takes the mutex.
  double Rescaled(double until_millis, uint64_t& seen_changes);

  std::mutex mutex_;
  uint64_t bytes_per_second_;     // protected by mutex_, as is all below
  uint64_t changes_ = 0;          // of the rate
  double changed_at_millis_ = 0;  // the last one
  double stretched_ = 1;          // by it: what is left of a wait
  bool started_ = false;
  double free_at_millis_ = 0;  // when what was granted so far will have been used up
};

}  // namespace pitr
