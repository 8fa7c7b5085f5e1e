// See s3_time.h.
#include "core/store/s3_time.h"

#include <time.h>

#include "core/base/ascii.h"
#include "core/base/clock.h"

namespace pitr {
namespace {

// Reads exactly `digits` decimal digits at `*text` and moves past them; -1 when they are not there.
int TakeNumber(std::string_view* text, size_t digits) {
  if (text->size() < digits) return -1;
  int value = 0;
  for (size_t i = 0; i < digits; i++) {
    if (!IsDigit((*text)[i])) return -1;
    value = value * 10 + ((*text)[i] - '0');
  }
  text->remove_prefix(digits);
  return value;
}

bool TakeText(std::string_view* text, std::string_view expected) {
  if (!text->starts_with(expected)) return false;
  text->remove_prefix(expected.size());
  return true;
}

std::optional<int64_t> ToMicros(int year, int month, int day, int hour, int minute, int second) {
  if (year < 1970 || month < 1 || month > 12 || day < 1 || day > 31 || hour < 0 || hour > 23 || minute < 0 ||
      minute > 59 || second < 0 || second > 60)
    return std::nullopt;
  tm utc{};
  utc.tm_year = year - 1900;
  utc.tm_mon = month - 1;
  utc.tm_mday = day;
  utc.tm_hour = hour;
  utc.tm_min = minute;
  utc.tm_sec = second;
  return static_cast<int64_t>(timegm(&utc)) * 1000000;
}

}  // namespace

std::optional<int64_t> ParseIsoTime(std::string_view text) {
  int year = TakeNumber(&text, 4);
  if (!TakeText(&text, "-")) return std::nullopt;
  int month = TakeNumber(&text, 2);
  if (!TakeText(&text, "-")) return std::nullopt;
  int day = TakeNumber(&text, 2);
  if (!TakeText(&text, "T")) return std::nullopt;
  int hour = TakeNumber(&text, 2);
  if (!TakeText(&text, ":")) return std::nullopt;
  int minute = TakeNumber(&text, 2);
  if (!TakeText(&text, ":")) return std::nullopt;
  int second = TakeNumber(&text, 2);
  auto micros = ToMicros(year, month, day, hour, minute, second);
  if (!micros) return std::nullopt;
  if (TakeText(&text, ".")) {
    int64_t unit = 100000;
    while (!text.empty() && IsDigit(text.front())) {
      *micros += (text.front() - '0') * unit;
      unit /= 10;
      text.remove_prefix(1);
    }
  }
  if (text != "Z" && text != "+00:00") return std::nullopt;
  return micros;
}

std::optional<int64_t> ParseHttpTime(std::string_view text) {
  static constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  if (text.size() < 5) return std::nullopt;
  text.remove_prefix(5);  // "Mon, "
  int day = TakeNumber(&text, 2);
  if (!TakeText(&text, " ") || text.size() < 3) return std::nullopt;
  size_t month = kMonths.find(text.substr(0, 3));
  if (month == kMonths.npos || month % 3 != 0) return std::nullopt;
  text.remove_prefix(3);
  if (!TakeText(&text, " ")) return std::nullopt;
  int year = TakeNumber(&text, 4);
  if (!TakeText(&text, " ")) return std::nullopt;
  int hour = TakeNumber(&text, 2);
  if (!TakeText(&text, ":")) return std::nullopt;
  int minute = TakeNumber(&text, 2);
  if (!TakeText(&text, ":")) return std::nullopt;
  int second = TakeNumber(&text, 2);
  if (text != " GMT") return std::nullopt;
  return ToMicros(year, static_cast<int>(month / 3) + 1, day, hour, minute, second);
}

std::string FormatIsoTime(int64_t wall_micros) { return FormatUtc(wall_micros, "%Y-%m-%dT%H:%M:%SZ"); }

}  // namespace pitr
