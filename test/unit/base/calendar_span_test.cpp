// Starts no thread.
#include "core/base/calendar_span.h"

#include <gtest/gtest.h>

namespace pitr {
namespace {

constexpr int64_t kDay = int64_t{86400} * 1000000;

TEST(CalendarSpan, ReadsWhatPeopleWrite) {
  struct Case {
    const char* text;
    int64_t months;
    int64_t micros;
    const char* shown;
  };
  for (const Case& c : {Case{"", 0, 0, ""}, Case{"  ", 0, 0, ""}, Case{"3 weeks", 0, 21 * kDay, "3 weeks"},
                        Case{"21 days", 0, 21 * kDay, "3 weeks"}, Case{"10d", 0, 10 * kDay, "10 days"},
                        Case{"7 years", 84, 0, "7 years"}, Case{"18 months", 18, 0, "1 year 6 months"},
                        Case{"1 year 6 months 2 days", 18, 2 * kDay, "1 year 6 months 2 days"},
                        Case{" 36 h", 0, kDay + kDay / 2, "1 day 12 hours"}, Case{"4 Weeks", 0, 28 * kDay, "4 weeks"},
                        Case{"1 yr 2 mons 3 hrs", 14, 3 * kDay / 24, "1 year 2 months 3 hours"},
                        Case{"90s", 0, 90000000, "1 minute 30 seconds"},
                        Case{"1 day 1 hour 1min", 0, kDay + 3660000000, "1 day 1 hour 1 minute"}}) {
    const auto span = ParseCalendarSpan(c.text);
    ASSERT_TRUE(span.ok()) << c.text;
    EXPECT_EQ(span.value().months, c.months) << c.text;
    EXPECT_EQ(span.value().micros, c.micros) << c.text;
    EXPECT_EQ(SpanText(span.value()), c.shown);
  }
}

TEST(CalendarSpan, RefusesTheRest) {
  for (const char* text :
       {"x", "3", "weeks", "3 fortnights", "-1 day", "3weekss", "1.5 days", "0 days", "0 weeks 0 years", "1001 years",
        "99999999999 days", "999999999 weeks", "400000 days", "3 m", "1 day,"})
    EXPECT_EQ(ParseCalendarSpan(text).code(), Code::kInvalidArgument) << text;
}

}  // namespace
}  // namespace pitr
