#include "core/store/retry_watch.h"

#include <map>
#include <mutex>

namespace pitr {
namespace {

constexpr int64_t kWorthShowingMicros = 1000000;

struct Watch {
  std::mutex mutex;
  std::map<const void*, RetryNow> retries;  // protected by mutex
};

// Never destroyed: threads may outlive static objects.
Watch& TheWatch() {
  static auto* watch = new Watch;
  return *watch;
}

}  // namespace

std::optional<RetryNow> LongestRetry(const Clock& clock) {
  Watch& watch = TheWatch();
  std::lock_guard lock(watch.mutex);
  const RetryNow* longest = nullptr;
  for (const auto& [operation, retry] : watch.retries)
    if (longest == nullptr || retry.since_micros < longest->since_micros) longest = &retry;
  if (longest == nullptr || clock.WallMicros() - longest->since_micros < kWorthShowingMicros) return std::nullopt;
  return *longest;
}

void WatchedRetry::Failed(const Status& failure, int64_t millis_left, const Clock& clock) {
  Watch& watch = TheWatch();
  std::lock_guard lock(watch.mutex);
  RetryNow& retry = watch.retries[this];
  const int64_t now = clock.WallMicros();
  if (!watched_) retry.since_micros = now;
  watched_ = true;
  retry.failure = failure;
  retry.gives_up_micros = now + millis_left * 1000;
}

void WatchedRetry::Over() {
  if (!watched_) return;
  watched_ = false;
  Watch& watch = TheWatch();
  std::lock_guard lock(watch.mutex);
  watch.retries.erase(this);
}

}  // namespace pitr
