// How far from now a time is, as people type it: '-15min', '2 hours ago', '-1 day -2 hours', 'now - 90 s'. Units and
// their lengths are those of PostgreSQL's intervals. Pure functions.
#pragma once
#include <optional>
#include <string_view>

#include "core/base/status.h"
#include "core/pg/timestamp.h"

namespace pitr {

struct TimeDistance {  // negative: before now
  int64_t months = 0;
  int64_t days = 0;  // of local time: 23 to 25 hours
  int64_t micros = 0;
};

// nullopt when `text` is something else. kInvalidArgument when it does not say before or after which it is meant, as
// '15 min' and '-1 day 2 hours' do not.
Result<std::optional<TimeDistance>> ParseTimeDistance(std::string_view text);

// That far from `now_micros` by the clocks of `zone`. kInvalidArgument when there is no such time between 1970 and
// 9999.
Result<ParsedTimestamp> TimeAt(const TimeDistance& distance, const TimeZone& zone, int64_t now_micros);

}  // namespace pitr
