#include "core/base/calendar_span.h"

#include <array>

#include "core/base/ascii.h"
#include "core/base/day.h"
#include "core/base/letter_case.h"

namespace pitr {
namespace {

constexpr int64_t kSecond = 1000000;
constexpr int64_t kMaxMonths = 12000;
constexpr int64_t kMaxMicros = 365250 * kMicrosPerDay;
constexpr size_t kMaxDigits = 9;

struct Unit {
  std::string_view name;     // also with an "s"
  std::string_view shortly;  // others, each between spaces
  int64_t months;
  int64_t micros;
};

constexpr std::array<Unit, 7> kUnits = {{{"second", " s sec secs ", 0, kSecond},
                                         {"minute", " min mins ", 0, 60 * kSecond},
                                         {"hour", " h hr hrs ", 0, 3600 * kSecond},
                                         {"day", " d ", 0, kMicrosPerDay},
                                         {"week", " w ", 0, 7 * kMicrosPerDay},
                                         {"month", " mon mons ", 1, 0},
                                         {"year", " y yr yrs ", 12, 0}}};

const Unit* FindUnit(std::string_view word) {
  for (const Unit& unit : kUnits) {
    if (word == unit.name) return &unit;
    if (!word.empty() && unit.shortly.find(" " + std::string(word) + " ") != std::string_view::npos) return &unit;
    if (word.size() == unit.name.size() + 1 && word.ends_with('s') && word.starts_with(unit.name)) return &unit;
  }
  return nullptr;
}

template <class Predicate>
std::string_view Take(std::string_view& text, Predicate wanted) {
  size_t length = 0;
  while (length < text.size() && wanted(text[length])) length++;
  const std::string_view taken = text.substr(0, length);
  text.remove_prefix(length);
  return taken;
}

}  // namespace

Result<CalendarSpan> ParseCalendarSpan(std::string_view text) {
  const Status bad =
      Status(Code::kInvalidArgument, "\"" + std::string(text.substr(0, 100)) + "\" is not a length of time")
          .WithHint("Write it like \"3 weeks\", \"90 days\" or \"1 year 6 months\".");
  auto blank = [](char c) { return c == ' '; };
  CalendarSpan span;
  const std::string lower = LowerCase(text);
  std::string_view rest = lower;
  Take(rest, blank);
  if (rest.empty()) return span;
  while (!rest.empty()) {
    const std::string_view digits = Take(rest, IsDigit);
    Take(rest, blank);
    const Unit* unit = FindUnit(Take(rest, IsLowerLetter));
    Take(rest, blank);
    if (digits.empty() || digits.size() > kMaxDigits || unit == nullptr) return bad;
    int64_t count = 0;
    for (char c : digits) count = count * 10 + (c - '0');
    if (count > kMaxMonths && unit->months != 0) return bad;
    if (unit->micros != 0 && count > kMaxMicros / unit->micros) return bad;
    span.months += count * unit->months;
    span.micros += count * unit->micros;
    if (span.months > kMaxMonths || span.micros > kMaxMicros) return bad;
  }
  if (span.empty()) return bad;
  return span;
}

std::string SpanText(const CalendarSpan& span) {
  static constexpr std::array<size_t, 7> kLargestFirst = {6, 5, 4, 3, 2, 1, 0};
  std::string text;
  int64_t months = span.months;
  int64_t micros = span.micros;
  for (size_t i : kLargestFirst) {
    const Unit& unit = kUnits[i];
    int64_t& left = unit.months != 0 ? months : micros;
    const int64_t size = unit.months != 0 ? unit.months : unit.micros;
    const int64_t count = left / size;
    // "10 days", not "1 week 3 days".
    if (count == 0 || (unit.name == "week" && left % size != 0)) continue;
    left -= count * size;
    text += (text.empty() ? "" : " ") + std::to_string(count) + " " + std::string(unit.name) + (count == 1 ? "" : "s");
  }
  return text;
}

}  // namespace pitr
