#include "core/pg/time_distance.h"

#include <algorithm>
#include <string>
#include <vector>

#include "core/base/ascii.h"
#include "core/base/day.h"
#include "core/base/letter_case.h"
#include "core/pg/civil_date.h"

namespace pitr {
namespace {

constexpr int64_t kMicro = 1'000'000;  // in a second
constexpr int64_t kLastSecond = INT64_C(253402300799);
constexpr int64_t kMostMonths = 120'000, kMostDays = 4'000'000;

struct DistanceUnit {
  std::string_view names;  // each followed by a space
  int64_t months, days, micros;
};
constexpr DistanceUnit kDistanceUnits[] = {
    {"us usec usecs microsecond microseconds ", 0, 0, 1},
    {"ms msec msecs millisecond milliseconds ", 0, 0, 1000},
    {"s sec secs second seconds ", 0, 0, kMicro},
    {"m min mins minute minutes ", 0, 0, 60 * kMicro},
    {"h hr hrs hour hours ", 0, 0, 3600 * kMicro},
    {"d day days ", 0, 1, 0},
    {"w week weeks ", 0, 7, 0},
    {"mon mons month months ", 1, 0, 0},
    {"y yr yrs year years ", 12, 0, 0},
};

const DistanceUnit* UnitCalled(const std::string& name) {
  for (const DistanceUnit& unit : kDistanceUnits)
    if (!name.empty() && (" " + std::string(unit.names)).find(" " + name + " ") != std::string::npos) return &unit;
  return nullptr;
}

struct Quantity {
  char sign = ' ';  // as it was written
  TimeDistance size;
};

std::string_view TakeWhile(std::string_view& rest, const char* wanted) {
  const size_t end = std::min(rest.find_first_not_of(wanted), rest.size());
  const std::string_view taken = rest.substr(0, end);
  rest.remove_prefix(end);
  return taken;
}

// "15min", "+ 1.5 hours" off the front of `rest`; nullopt when that is something else.
std::optional<Quantity> TakeQuantity(std::string_view& rest) {
  Quantity quantity;
  if (rest.starts_with('-') || rest.starts_with('+')) {
    quantity.sign = rest[0];
    rest.remove_prefix(1);
    TakeWhile(rest, " ");
  }
  const std::string_view digits = TakeWhile(rest, "0123456789");
  std::string fraction;
  if (rest.starts_with('.')) {
    rest.remove_prefix(1);
    fraction = TakeWhile(rest, "0123456789");
    if (fraction.empty()) return std::nullopt;
  }
  TakeWhile(rest, " ");
  const DistanceUnit* unit = UnitCalled(std::string(TakeWhile(rest, "abcdefghijklmnopqrstuvwxyz")));
  TakeWhile(rest, " ");
  if (digits.empty() || digits.size() > 7 || fraction.size() > 6 || unit == nullptr) return std::nullopt;
  if (!fraction.empty() && unit->micros < 1000) return std::nullopt;  // of a day or a month: how long is that?
  fraction.resize(6, '0');
  const int64_t count = std::stoll(std::string(digits));
  quantity.size = {count * unit->months, count * unit->days,
                   count * unit->micros + std::stoll(fraction) * unit->micros / kMicro};
  return quantity;
}

Status Unclear(std::string_view text, const std::string& why) {
  return Status(Code::kInvalidArgument, "the time " + Quoted(text) + " is ambiguous: " + why)
      .WithHint("Write '15 min ago', '-15 min' or '-1 day -2 hours'.");
}

}  // namespace

Result<std::optional<TimeDistance>> ParseTimeDistance(std::string_view text) {
  const std::optional<TimeDistance> none;
  std::string lower = LowerCase(text.substr(0, 200));
  lower.erase(0, std::min(lower.find_first_not_of(' '), lower.size()));
  lower.erase(lower.find_last_not_of(' ') + 1);
  const bool ago = lower.ends_with("ago");
  if (ago) lower.erase(lower.size() - 3);
  std::string_view rest = lower;
  if (rest.starts_with("now")) {
    rest.remove_prefix(3);
    TakeWhile(rest, " ");
    if (!rest.starts_with('-') && !rest.starts_with('+')) return none;
  }
  std::vector<Quantity> quantities;
  while (!rest.empty()) {
    const auto quantity = TakeQuantity(rest);
    if (!quantity) return none;
    quantities.push_back(*quantity);
  }
  if (quantities.empty()) return none;
  TimeDistance whole;
  for (const Quantity& each : quantities) {
    if (ago && each.sign != ' ') return Unclear(text, "it has a sign and \"ago\"");
    if (!ago && each.sign == ' ')
      return Unclear(text, quantities[0].sign == ' ' ? "it does not say before or after which time"
                                                     : "a sign counts for the quantity behind it only");
    const int64_t sign = ago || each.sign == '-' ? -1 : 1;
    whole.months += sign * each.size.months;
    whole.days += sign * each.size.days;
    whole.micros += sign * each.size.micros;
  }
  return std::optional<TimeDistance>(whole);
}

Result<ParsedTimestamp> TimeAt(const TimeDistance& distance, const TimeZone& zone, int64_t now_micros) {
  const Status beyond = Status(Code::kInvalidArgument, "that time is not between the years 1970 and 9999")
                            .WithHint("Write it as '2 hours ago', or as a date and a time of day.");
  if (std::abs(distance.months) > kMostMonths || std::abs(distance.days) > kMostDays) return beyond;
  ParsedTimestamp result;
  result.has_zone = true;
  result.micros = now_micros;
  if (distance.months != 0 || distance.days != 0) {
    const int64_t seconds = now_micros / kMicro;
    const int64_t here = seconds + zone.OffsetAt(seconds);
    CivilDate date = CivilFromDays(here / kSecondsPerDay);
    const int64_t month = date.year * 12 + date.month - 1 + distance.months;
    date.year = month / 12;
    date.month = static_cast<int>(month % 12) + 1;
    const int64_t next = DaysFromCivil({(month + 1) / 12, static_cast<int>((month + 1) % 12) + 1, 1});
    // The last day of a shorter month.
    date.day = static_cast<int>(std::min<int64_t>(date.day, next - DaysFromCivil({date.year, date.month, 1})));
    const TimeZone::Instant instant =
        zone.ToUtc((DaysFromCivil(date) + distance.days) * kSecondsPerDay + here % kSecondsPerDay);
    result.exact = instant.exact;
    if (!instant.exact)
      result.inexact = Status(Code::kInvalidArgument, "that many days from now clocks were changed at this time of day")
                           .WithHint("Give the time itself, with its offset from UTC.");
    result.micros = instant.utc_seconds * kMicro + now_micros % kMicro;
  }
  if (__builtin_add_overflow(result.micros, distance.micros, &result.micros) || result.micros < 0 ||
      result.micros / kMicro > kLastSecond)
    return beyond;
  return result;
}

}  // namespace pitr
