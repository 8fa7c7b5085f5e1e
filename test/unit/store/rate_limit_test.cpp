// Starts no thread.
#include "core/store/rate_limit.h"

#include <gtest/gtest.h>

#include "lib/test_clock.h"

namespace pitr {
namespace {

TEST(RateLimit, ZeroIsUnlimited) {
  test::TestClock clock;
  RateLimit limit(0);
  const OpContext ctx{&clock};
  const int64_t start = clock.SteadyMillis();
  for (int i = 0; i < 100; i++) EXPECT_TRUE(limit.Acquire(uint64_t{1} << 30, ctx).ok());
  EXPECT_EQ(clock.SteadyMillis(), start);
}

TEST(RateLimit, HoldsTheRate) {
  test::TestClock clock;
  RateLimit limit(1000000);
  const OpContext ctx{&clock};
  const int64_t start = clock.SteadyMillis();
  for (int i = 0; i < 1000; i++) EXPECT_TRUE(limit.Acquire(10000, ctx).ok());
  EXPECT_NEAR(clock.SteadyMillis() - start, 10000, 20);
}

TEST(RateLimit, SmallPiecesAddUp) {
  test::TestClock clock;
  RateLimit limit(1000000);
  const OpContext ctx{&clock};
  const int64_t start = clock.SteadyMillis();
  for (int i = 0; i < 100000; i++) EXPECT_TRUE(limit.Acquire(10, ctx).ok());  // 10 us each, below the clock's tick
  EXPECT_NEAR(clock.SteadyMillis() - start, 1000, 20);
}

TEST(RateLimit, SavesALittleIdleTimeOnly) {
  test::TestClock clock;
  RateLimit limit(1000);
  const OpContext ctx{&clock};
  EXPECT_TRUE(limit.Acquire(1, ctx).ok());
  clock.Advance(60000);
  const int64_t start = clock.SteadyMillis();
  EXPECT_TRUE(limit.Acquire(250, ctx).ok());
  EXPECT_EQ(clock.SteadyMillis(), start);
  EXPECT_TRUE(limit.Acquire(1000, ctx).ok());
  EXPECT_GE(clock.SteadyMillis() - start, 1000);
}

TEST(RateLimit, WhoWaitsGoesByANewRate) {
  test::TestClock clock;
  RateLimit limit(10);
  const int64_t start = clock.SteadyMillis();
  bool changed = false;
  clock.on_sleep = [&](int64_t now) {
    if (changed || now < start + 1000) return;
    changed = true;
    limit.SetRate(1000, clock);
  };
  // 100 s by the first rate; after a second of it the other 990 bytes take another.
  EXPECT_TRUE(limit.Acquire(1000, {&clock}).ok());
  EXPECT_NEAR(clock.SteadyMillis() - start, 2000, 600);
  EXPECT_TRUE(limit.Acquire(1000, {&clock}).ok());
  EXPECT_NEAR(clock.SteadyMillis() - start, 3000, 600);
  clock.on_sleep = [&](int64_t) { limit.SetRate(0, clock); };
  const int64_t unlimited = clock.SteadyMillis();
  EXPECT_TRUE(limit.Acquire(100000, {&clock}).ok());
  EXPECT_LT(clock.SteadyMillis() - unlimited, 1100);
}

TEST(RateLimit, StopsWaitingWhenCancelledOrLate) {
  test::TestClock clock;
  RateLimit limit(1);
  CancelToken cancel;
  const int64_t start = clock.SteadyMillis();
  clock.on_sleep = [&](int64_t now) {
    if (now > start + 300) cancel.Cancel();
  };
  EXPECT_EQ(limit.Acquire(1000, {&clock, &cancel}).code(), Code::kCancelled);
  EXPECT_LT(clock.SteadyMillis() - start, 500);
  clock.on_sleep = nullptr;
  EXPECT_EQ(limit.Acquire(1000, OpContext::WithTimeout(700, nullptr, clock)).code(), Code::kUnavailable);
  EXPECT_LT(clock.SteadyMillis() - start, 1500);
}

}  // namespace
}  // namespace pitr
