// Time as an argument, so that retries, deadlines and credentials can be tested without waiting.
// Wall time is microseconds since 1970-01-01 UTC; steady time is milliseconds since an arbitrary start.
#pragma once
#include <cstdint>
#include <string>

namespace pitr {

// Safe to call from several threads.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual int64_t WallMicros() const = 0;
  virtual int64_t SteadyMillis() const = 0;
  // Returns after `millis`, or earlier when the clock is a test's.
  virtual void SleepMillis(int64_t millis) const = 0;
};

// The machine's clock. Never destroyed.
const Clock& SystemClock();

// Wall time in UTC, in the form of strftime(3); at most 63 bytes.
[[gnu::format(strftime, 2, 0)]] std::string FormatUtc(int64_t wall_micros, const char* format);

}  // namespace pitr
