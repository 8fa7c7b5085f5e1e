// Times as people type and read them. A time is microseconds since 1970-01-01 00:00 UTC, between
// 1970 and 9999. Pure functions except for the time zones they are given; any thread.
#pragma once
#include <string>
#include <string_view>

#include "core/base/status.h"
#include "core/pg/time_zone.h"

namespace pitr {

// Microseconds between 1970-01-01 and 2000-01-01, where PostgreSQL's own timestamps start.
inline constexpr int64_t kPgEpochMicros = INT64_C(946684800) * 1000000;
// Saturates instead of overflowing on damaged input.
int64_t MicrosFromPgTimestamp(int64_t pg_timestamp);

struct ParsedTimestamp {
  int64_t micros = 0;
  bool has_zone = false;  // the text says its zone; else `default_zone` was used
  bool exact = true;      // see TimeZone::Instant
  Status inexact;         // when not exact: kInvalidArgument that says why, with what to write instead
};

// What PostgreSQL reads as timestamptz, read the same way: "2026-11-23 14:05:06.123456+01", "20261123T140506Z",
// "23 Nov 2026 2:05 PM", "yesterday 18:50", "now"; with a zone or without (see TimeZone::ByName); and how far from now
// it is (see time_distance.h). What is ambiguous is refused: dates that PostgreSQL reads by DateStyle, a zone whose
// sign people read the other way round, a weekday that is another. `now_micros` 0: the clock's.
// kInvalidArgument says what is wrong and shows the form.
Result<ParsedTimestamp> ParseTimestamp(std::string_view text, const TimeZone& default_zone = TimeZone::Local(),
                                       int64_t now_micros = 0);

// "+01", "-03:30".
std::string OffsetText(int offset_seconds);
// "2026-11-23 13:05:06.123456+00"; fraction only if not zero. What PostgreSQL accepts and prints.
std::string FormatTimestamp(int64_t micros, const TimeZone& zone = TimeZone::Utc());
// The same without the fraction: "2026-11-23 13:05:06+00".
std::string FormatToSecond(int64_t micros);
// "2026-11-23T13:05:06.123456Z", always with six digits.
std::string FormatIso8601(int64_t micros);
// "2026-11-23 13:05:06+00 (2026-11-23 14:05:06+01 local time)"; UTC alone when both are the same.
std::string DescribeTimestamp(int64_t micros, const TimeZone& local = TimeZone::Local());
// The same, to the second.
std::string DescribeToSecond(int64_t micros);

}  // namespace pitr
