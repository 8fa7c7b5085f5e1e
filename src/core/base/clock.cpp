#include "core/base/clock.h"

#include <time.h>

namespace pitr {
namespace {

class RealClock final : public Clock {
 public:
  int64_t WallMicros() const override { return Read(CLOCK_REALTIME) / 1000; }
  int64_t SteadyMillis() const override { return Read(CLOCK_MONOTONIC) / 1000000; }
  void SleepMillis(int64_t millis) const override {
    timespec wait{millis / 1000, (millis % 1000) * 1000000};
    while (clock_nanosleep(CLOCK_MONOTONIC, 0, &wait, &wait) != 0) {}
  }

 private:
  static int64_t Read(clockid_t id) {
    timespec now{};
    clock_gettime(id, &now);
    return now.tv_sec * int64_t{1000000000} + now.tv_nsec;
  }
};

}  // namespace

const Clock& SystemClock() {
  static const RealClock clock;
  return clock;
}

std::string FormatUtc(int64_t wall_micros, const char* format) {
  const auto seconds = static_cast<time_t>(wall_micros / 1000000);
  tm utc{};
  gmtime_r(&seconds, &utc);
  char text[64];
  return {text, strftime(text, sizeof text, format, &utc)};
}

}  // namespace pitr
