// Parsing and printing of times.
#include "core/pg/timestamp.h"

#include <cstdio>
#include <cstdlib>
#include <optional>

#include "core/base/ascii.h"
#include "core/pg/civil_date.h"

namespace pitr {
namespace {

constexpr int64_t kMicrosPerSecond = 1'000'000;
constexpr int64_t kSecondsPerDay = 86400;
constexpr size_t kMaxText = 128;

class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}
  std::string_view rest() const { return rest_; }
  bool done() const { return rest_.empty(); }
  bool Next(char c) const { return !rest_.empty() && rest_[0] == c; }
  bool NextIsDigit() const { return !rest_.empty() && IsDigit(rest_[0]); }
  bool Take(char c) {
    if (!Next(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void SkipSpaces() {
    while (Take(' ')) {}
  }
  // `min` to `max` digits whose value is at most `limit`.
  std::optional<int> Number(size_t min, size_t max, int limit) {
    int value = 0;
    size_t size = 0;
    for (; size < max && size < rest_.size() && IsDigit(rest_[size]); ++size) value = value * 10 + (rest_[size] - '0');
    if (size < min || value > limit) return std::nullopt;
    rest_.remove_prefix(size);
    return value;
  }
  // Digits after the decimal point as microseconds, rounded; up to 1000000.
  int64_t Fraction() {
    int64_t micros = 0, unit = 100000;
    bool round_up = false;
    for (size_t digits = 0; NextIsDigit(); ++digits, rest_.remove_prefix(1)) {
      if (digits == 6) round_up = rest_[0] >= '5';
      if (digits < 6) micros += (rest_[0] - '0') * unit;
      unit /= 10;
    }
    return micros + round_up;
  }

 private:
  std::string_view rest_;
};

struct CivilFields {
  int64_t local_seconds = 0;
  int64_t micros = 0;
};

std::optional<int64_t> ParseDate(Reader& in) {
  const auto year = in.Number(4, 4, 9999);
  if (!year || *year < 1970 || !in.Take('-')) return std::nullopt;
  const auto month = in.Number(1, 2, 12);
  if (!month || *month < 1 || !in.Take('-')) return std::nullopt;
  const auto day = in.Number(1, 2, 31);
  if (!day || *day < 1) return std::nullopt;
  const CivilDate date{*year, *month, *day};
  const int64_t days = DaysFromCivil(date);
  const CivilDate back = CivilFromDays(days);  // turns 31 April into 1 May
  if (back.month != date.month || back.day != date.day) return std::nullopt;
  return days * kSecondsPerDay;
}

std::optional<CivilFields> ParseTimeOfDay(Reader& in) {
  CivilFields time;
  const auto hour = in.Number(1, 2, 23);
  if (!hour || !in.Take(':')) return std::nullopt;
  const auto minute = in.Number(2, 2, 59);
  if (!minute) return std::nullopt;
  time.local_seconds = *hour * 3600 + *minute * 60;
  if (!in.Take(':')) return time;
  const auto second = in.Number(2, 2, 59);
  if (!second) return std::nullopt;
  time.local_seconds += *second;
  if (in.Take('.') || in.Take(',')) {
    if (!in.NextIsDigit()) return std::nullopt;
    time.micros = in.Fraction();
  }
  return time;
}

// After the sign: HH, HHMM, HH:MM or HH:MM:SS.
std::optional<int> ParseOffset(Reader& in) {
  const auto hours = in.Number(1, 2, 15);
  if (!hours) return std::nullopt;
  int seconds = *hours * 3600;
  for (int unit : {60, 1}) {
    if (!in.Take(':') && !in.NextIsDigit()) break;
    const auto part = in.Number(2, 2, 59);
    if (!part) return std::nullopt;
    seconds += *part * unit;
  }
  if (!in.done()) return std::nullopt;
  return seconds;
}

Status BadTimestamp(std::string_view text, const char* what) {
  return Status(Code::kInvalidArgument, "invalid time \"" + std::string(text.substr(0, kMaxText)) + "\": " + what)
      .WithHint("Write it as '2026-11-23 14:05:06.123456+01'. Without a zone it is local time.");
}

std::string FormatOffset(int offset) {
  char text[16];
  const int size = std::abs(offset);
  int written = snprintf(text, sizeof text, "%c%02d", offset < 0 ? '-' : '+', size / 3600 % 100);
  if (size % 3600 != 0) written += snprintf(text + written, sizeof text - written, ":%02d", size / 60 % 60);
  if (size % 60 != 0) snprintf(text + written, sizeof text - written, ":%02d", size % 60);
  return text;
}

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

// `typed`: date and time of day as they were understood, without a zone.
Status Inexact(std::string_view text, const std::string& typed, const TimeZone& zone,
               const TimeZone::Instant& instant) {
  const std::string before = typed + FormatOffset(instant.offset_before);
  if (instant.skipped)
    return Status(Code::kInvalidArgument,
                  "invalid time \"" + std::string(text) + "\": it does not exist, clocks were set forward over it")
        .WithHint("Give a time that exists, or the offset from UTC: " + before + " is what clocks there called " +
                  FormatTimestamp(instant.utc_seconds * kMicrosPerSecond, zone) + ".");
  return Status(Code::kInvalidArgument,
                "the time \"" + std::string(text) + "\" is ambiguous: clocks were set back, and it occurred twice")
      .WithHint("Give it with its offset from UTC: " + before + " is the first time, " + typed +
                FormatOffset(instant.offset_after) + " the second.");
}

}  // namespace

int64_t MicrosFromPgTimestamp(int64_t pg_timestamp) {
  int64_t micros = 0;
  return __builtin_add_overflow(pg_timestamp, kPgEpochMicros, &micros) ? INT64_MAX : micros;
}

Result<ParsedTimestamp> ParseTimestamp(std::string_view text, const TimeZone& default_zone) {
  if (text.size() > kMaxText) return BadTimestamp(text, "too long");
  Reader in(text);
  in.SkipSpaces();
  const auto date = ParseDate(in);
  if (!date) return BadTimestamp(text, "expected a date as YYYY-MM-DD from 1970 on");
  CivilFields time;
  if (in.Take('T') || (in.Next(' ') && (in.SkipSpaces(), in.NextIsDigit()))) {
    const auto parsed = ParseTimeOfDay(in);
    if (!parsed) return BadTimestamp(text, "expected a time of day as HH:MM:SS");
    time = *parsed;
  }
  const int64_t local = *date + time.local_seconds;
  in.SkipSpaces();
  ParsedTimestamp result;
  TimeZone zone = default_zone;
  std::string_view name = in.rest();
  name = name.substr(0, name.find_last_not_of(' ') + 1);
  if (!name.empty()) {
    result.has_zone = true;
    Reader rest(name);
    const bool west = rest.Take('-');
    if (west || rest.Take('+')) {
      const auto offset = ParseOffset(rest);
      if (!offset) return BadTimestamp(text, "expected an offset from UTC as +HH:MM");
      zone = TimeZone::Fixed(west ? -*offset : *offset);
    } else {
      PITR_ASSIGN(zone, TimeZone::ByName(name));
    }
  }
  const TimeZone::Instant instant = zone.ToUtc(local);
  result.exact = instant.exact;
  if (!instant.exact) result.inexact = Inexact(text, FormatDateTime(local, ' '), zone, instant);
  result.micros = instant.utc_seconds * kMicrosPerSecond + time.micros;
  return result;
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
  return text + FormatOffset(offset);
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
