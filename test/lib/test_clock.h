// A clock that moves only when somebody sleeps on it, so that tests of waiting do not wait. Safe from several threads.
#pragma once
#include <atomic>
#include <functional>

#include "core/base/clock.h"

namespace pitr::test {

class TestClock final : public Clock {
 public:
  int64_t WallMicros() const override { return (now_millis_ + 1700000000000) * 1000; }
  int64_t SteadyMillis() const override { return now_millis_; }
  void SleepMillis(int64_t millis) const override {
    now_millis_ += millis;
    if (on_sleep) on_sleep(now_millis_);
  }
  void Advance(int64_t millis) { now_millis_ += millis; }

  std::function<void(int64_t now_millis)> on_sleep;  // set before use

 private:
  mutable std::atomic<int64_t> now_millis_{1000};
};

}  // namespace pitr::test
