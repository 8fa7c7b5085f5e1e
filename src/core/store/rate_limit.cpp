#include "core/store/rate_limit.h"

#include <algorithm>
#include <cmath>

namespace pitr {
namespace {

constexpr double kSavedMillis = 250;

}  // namespace

Status RateLimit::Acquire(uint64_t bytes, const OpContext& ctx) {
  PITR_TRY(ctx.Check());
  if (bytes_per_second_ == 0) return Status::Ok();
  int64_t until;
  {
    std::lock_guard lock(mutex_);
    const double now = static_cast<double>(ctx.clock->SteadyMillis());
    if (!started_) free_at_millis_ = now;
    started_ = true;
    free_at_millis_ = std::max(free_at_millis_, now - kSavedMillis);
    free_at_millis_ += static_cast<double>(bytes) * 1000.0 / static_cast<double>(bytes_per_second_);
    until = static_cast<int64_t>(std::ceil(free_at_millis_));
  }
  ctx.Sleep(until - ctx.clock->SteadyMillis());
  return ctx.Check();
}

}  // namespace pitr
