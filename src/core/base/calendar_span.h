// A length of time as people write it: "3 weeks", "7 years", "1 year 6 months". Plain value; pure functions.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/status.h"

namespace pitr {

struct CalendarSpan {
  int64_t months = 0;  // years included; their length depends on where they begin
  int64_t micros = 0;
  bool empty() const { return months == 0 && micros == 0; }
};

// Whole numbers, each followed by a unit: second, minute, hour, day, week, month, year, their plurals, or as PostgreSQL
// abbreviates them: s, min, h, d, w, mon, y, ...; "m" alone is refused. Case does not count. Empty text is the empty
// span. kInvalidArgument for anything else, for nothing but zeroes, and beyond 1000 years.
Result<CalendarSpan> ParseCalendarSpan(std::string_view text);

// "3 weeks", "1 year 6 months"; "" when empty.
std::string SpanText(const CalendarSpan& span);

}  // namespace pitr
