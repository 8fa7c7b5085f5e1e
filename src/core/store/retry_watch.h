// What this process is trying again right now: while an operation is being repeated nobody has its error yet, and
// whoever watches (pitr_status, pitr_progress, the terminal) would see work that stands still. Any thread.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "core/base/op_context.h"

namespace pitr {

struct RetryNow {
  Status failure;               // of the last attempt
  int64_t since_micros = 0;     // when the first one failed, wall clock
  int64_t gives_up_micros = 0;  // no attempt begins after this
};

// Of several, the one that has been failing longest; nullopt when everything works. Failures of the last second are not
// shown: most of them are over with the next attempt.
std::optional<RetryNow> LongestRetry(const Clock& clock = SystemClock());

// One operation that may have to be repeated. Not copied: the watch knows it by its address.
class WatchedRetry {
 public:
  WatchedRetry() = default;
  ~WatchedRetry() { Over(); }
  WatchedRetry(const WatchedRetry&) = delete;
  WatchedRetry& operator=(const WatchedRetry&) = delete;

  // An attempt has failed; the next ones go on for at most `millis_left`.
  void Failed(const Status& failure, int64_t millis_left, const Clock& clock);
  // Something was achieved, or the operation has ended.
  void Over();

 private:
  bool watched_ = false;
};

}  // namespace pitr
