// What every store operation is given: until when, and whether somebody asked to stop.
#pragma once
#include <atomic>
#include <cstdint>

#include "core/base/clock.h"
#include "core/base/status.h"

namespace pitr {

// Set once, from any thread; seen by every operation that was given it within about 100 ms.
class CancelToken {
 public:
  void Cancel() noexcept { cancelled_.store(true, std::memory_order_release); }
  bool cancelled() const noexcept { return cancelled_.load(std::memory_order_acquire); }

 private:
  std::atomic<bool> cancelled_{false};
};

// Borrowed pointers: clock and token outlive the operation. Copy freely.
struct OpContext {
  const Clock* clock = &SystemClock();
  const CancelToken* cancel = nullptr;
  int64_t deadline_millis = INT64_MAX;  // steady time of `clock`

  static OpContext WithTimeout(int64_t timeout_millis, const CancelToken* cancel = nullptr,
                               const Clock& clock = SystemClock()) {
    return {&clock, cancel, clock.SteadyMillis() + timeout_millis};
  }
  bool cancelled() const noexcept { return cancel != nullptr && cancel->cancelled(); }
  int64_t RemainingMillis() const {
    return deadline_millis == INT64_MAX ? INT64_MAX : deadline_millis - clock->SteadyMillis();
  }
  // kCancelled, kUnavailable when the deadline has passed, or ok. Call in every long loop.
  Status Check() const {
    if (cancelled()) return {Code::kCancelled, "operation cancelled"};
    if (RemainingMillis() <= 0) return {Code::kUnavailable, "deadline passed"};
    return Status::Ok();
  }
  // Returns after `millis`, or within 50 ms when Check() fails by then.
  void Sleep(int64_t millis) const {
    for (constexpr int64_t kSlice = 50; millis > 0 && Check().ok(); millis -= kSlice)
      clock->SleepMillis(millis < kSlice ? millis : kSlice);
  }
};

}  // namespace pitr
