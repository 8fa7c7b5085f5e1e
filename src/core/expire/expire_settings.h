// What the settings say about expiry.
#pragma once
#include "core/config/config.h"
#include "core/expire/expire.h"

namespace pitr {

// kInvalidArgument naming the setting.
Result<ExpireRequest> ExpireRequestOf(const Config& config);

// An age in whole microseconds, a month being 30 days.
int64_t SpanMicros(const CalendarSpan& span);

// Ok when the report is complete; else kPermission or kCorruption, naming the first of what was refused or blocks.
Status ProblemsOf(const ExpireReport& report);

}  // namespace pitr
