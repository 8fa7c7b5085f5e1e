#include "core/store/rate_limit.h"

#include <algorithm>
#include <cmath>

namespace pitr {
namespace {

constexpr double kSavedMillis = 250;
constexpr int64_t kLookMillis = 500;  // how often who waits looks whether the rate was changed

}  // namespace

void RateLimit::SetRate(uint64_t bytes_per_second, const Clock& clock) {
  std::lock_guard lock(mutex_);
  if (bytes_per_second == bytes_per_second_) return;
  changed_at_millis_ = static_cast<double>(clock.SteadyMillis());
  stretched_ =
      bytes_per_second == 0 ? 0 : static_cast<double>(bytes_per_second_) / static_cast<double>(bytes_per_second);
  if (started_ && free_at_millis_ > changed_at_millis_)
    free_at_millis_ = changed_at_millis_ + (free_at_millis_ - changed_at_millis_) * stretched_;
  bytes_per_second_ = bytes_per_second;
  changes_++;
}

double RateLimit::Rescaled(double until_millis, uint64_t& seen_changes) {
  std::lock_guard lock(mutex_);
  if (seen_changes == changes_ || until_millis <= changed_at_millis_) return until_millis;
  seen_changes = changes_;
  return changed_at_millis_ + (until_millis - changed_at_millis_) * stretched_;
}

Status RateLimit::Acquire(uint64_t bytes, const OpContext& ctx) {
  PITR_TRY(ctx.Check());
  double until;
  uint64_t seen_changes;
  {
    std::lock_guard lock(mutex_);
    if (bytes_per_second_ == 0) return Status::Ok();
    const double now = static_cast<double>(ctx.clock->SteadyMillis());
    if (!started_) free_at_millis_ = now;
    started_ = true;
    free_at_millis_ = std::max(free_at_millis_, now - kSavedMillis);
    free_at_millis_ += static_cast<double>(bytes) * 1000.0 / static_cast<double>(bytes_per_second_);
    until = free_at_millis_;
    seen_changes = changes_;
  }
  for (;;) {
    const int64_t left = static_cast<int64_t>(std::ceil(until)) - ctx.clock->SteadyMillis();
    if (left <= 0) return ctx.Check();
    ctx.Sleep(std::min(left, kLookMillis));
    PITR_TRY(ctx.Check());
    until = Rescaled(until, seen_changes);
  }
}

}  // namespace pitr
