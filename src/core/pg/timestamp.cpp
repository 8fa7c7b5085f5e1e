// Printing of times.
#include "core/pg/timestamp.h"

#include <cstdio>
#include <cstdlib>

#include "core/base/day.h"
#include "core/pg/civil_date.h"

namespace pitr {
namespace {

constexpr int64_t kMicrosPerSecond = 1'000'000;

struct CivilFields {
  int64_t local_seconds = 0;
  int64_t micros = 0;
};

// Seconds and microseconds of `micros`, the latter never negative.
CivilFields Split(int64_t micros) {
  int64_t seconds = micros / kMicrosPerSecond;
  int64_t fraction = micros % kMicrosPerSecond;
  if (fraction < 0) {
    fraction += kMicrosPerSecond;
    --seconds;
  }
  return {seconds, fraction};
}

std::string FormatDateTime(int64_t local_seconds, char separator) {
  int64_t days = local_seconds / kSecondsPerDay, of_day = local_seconds % kSecondsPerDay;
  if (of_day < 0) {
    of_day += kSecondsPerDay;
    --days;
  }
  const CivilDate date = CivilFromDays(days);
  char text[64];
  snprintf(text, sizeof text, "%04lld-%02d-%02d%c%02d:%02d:%02d", static_cast<long long>(date.year), date.month,
           date.day, separator, static_cast<int>(of_day / 3600), static_cast<int>(of_day / 60 % 60),
           static_cast<int>(of_day % 60));
  return text;
}

}  // namespace

int64_t MicrosFromPgTimestamp(int64_t pg_timestamp) {
  int64_t micros = 0;
  return __builtin_add_overflow(pg_timestamp, kPgEpochMicros, &micros) ? INT64_MAX : micros;
}

std::string OffsetText(int offset) {
  char text[16];
  const int size = std::abs(offset);
  int written = snprintf(text, sizeof text, "%c%02d", offset < 0 ? '-' : '+', size / 3600 % 100);
  if (size % 3600 != 0) written += snprintf(text + written, sizeof text - written, ":%02d", size / 60 % 60);
  if (size % 60 != 0) snprintf(text + written, sizeof text - written, ":%02d", size % 60);
  return text;
}

std::string FormatTimestamp(int64_t micros, const TimeZone& zone) {
  const CivilFields at = Split(micros);
  const int offset = zone.OffsetAt(at.local_seconds);
  std::string text = FormatDateTime(at.local_seconds + offset, ' ');
  if (at.micros != 0) {
    char fraction[16];
    snprintf(fraction, sizeof fraction, ".%06d", static_cast<int>(at.micros));
    text += fraction;
    text.erase(text.find_last_not_of('0') + 1);
  }
  return text + OffsetText(offset);
}

std::string FormatToSecond(int64_t micros) { return FormatTimestamp(micros / kMicrosPerSecond * kMicrosPerSecond); }

std::string FormatIso8601(int64_t micros) {
  const CivilFields at = Split(micros);
  char fraction[16];
  snprintf(fraction, sizeof fraction, ".%06dZ", static_cast<int>(at.micros));
  return FormatDateTime(at.local_seconds, 'T') + fraction;
}

std::string DescribeTimestamp(int64_t micros, const TimeZone& local) {
  const std::string utc = FormatTimestamp(micros);
  const std::string here = FormatTimestamp(micros, local);
  return utc == here ? utc : utc + " (" + here + " local time)";
}

std::string DescribeToSecond(int64_t micros) { return DescribeTimestamp(micros - micros % 1000000); }

}  // namespace pitr
