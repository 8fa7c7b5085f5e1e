// ParseTimestamp of timestamp.h: fields in any order, each read as PostgreSQL reads it (utils/adt/datetime.c) or not at
// all. What PostgreSQL reads by DateStyle, or people and PostgreSQL differently, is refused.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <vector>

#include "core/base/ascii.h"
#include "core/base/clock.h"
#include "core/base/day.h"
#include "core/base/letter_case.h"
#include "core/pg/civil_date.h"
#include "core/pg/time_distance.h"
#include "core/pg/timestamp.h"
#include "core/pg/zone_abbreviation.h"

namespace pitr {
namespace {

constexpr int64_t kSecondMicros = 1'000'000;
constexpr size_t kMaxText = 128;

constexpr std::array<std::string_view, 12> kMonths = {"january",   "february", "march",    "april",
                                                      "may",       "june",     "july",     "august",
                                                      "september", "october",  "november", "december"};
constexpr std::array<std::string_view, 7> kWeekdays = {"sunday",   "monday", "tuesday", "wednesday",
                                                       "thursday", "friday", "saturday"};

// Number of the name that `word` is, whole or its first three letters (or four, "sept"); -1 when it is none.
template <size_t N>
int NameNumber(const std::array<std::string_view, N>& names, std::string_view word) {
  for (size_t i = 0; i < N; i++)
    if (word == names[i] || (word.size() == 3 && names[i].starts_with(word)) ||
        (word == "sept" && names[i][0] == 's' && names[i][1] == 'e'))
      return static_cast<int>(i);
  return -1;
}

std::optional<int> Number(std::string_view digits, int limit) {
  int value = 0;
  if (digits.empty() || digits.size() > 4) return std::nullopt;
  for (const char c : digits) {
    if (!IsDigit(c)) return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value <= limit ? std::optional<int>(value) : std::nullopt;
}

// Digits after the decimal point as microseconds, up to 1000000; rounded as PostgreSQL does.
int64_t FractionMicros(std::string_view digits) {
  double fraction = 0;
  const std::string text = "0." + std::string(digits);
  std::from_chars(text.data(), text.data() + text.size(), fraction);
  return static_cast<int64_t>(std::nearbyint(fraction * 1e6));
}

class TimestampReader {
 public:
  TimestampReader(std::string_view text, const TimeZone& zone, int64_t now_micros)
      : text_(text), rest_(text), local_(zone), zone_(zone), now_micros_(now_micros) {}

  Result<ParsedTimestamp> Read() {
    if (text_.size() > kMaxText) return Bad("too long");
    while (!rest_.empty()) {
      const char c = rest_[0];
      if (c == ' ' || c == ',') {
        rest_.remove_prefix(1);
      } else if (IsDigit(c)) {
        PITR_TRY(Digits());
      } else if (c == '+' || c == '-') {
        PITR_TRY(Offset());
      } else if (IsLetter(c)) {
        PITR_TRY(Word());
      } else {
        return Bad("it holds what belongs to no time");
      }
    }
    return Together();
  }

 private:
  Status Bad(const std::string& what) const {
    return Status(Code::kInvalidArgument, "invalid time " + Quoted(text_.substr(0, kMaxText)) + ": " + what)
        .WithHint(
            "Write it as '2026-11-23 14:05:06.123456+01', 'yesterday 18:50' or '15 min ago'. Without a zone it is "
            "local time.");
  }
  std::string_view TakeDigits() {
    const size_t end = std::min(rest_.find_first_not_of("0123456789"), rest_.size());
    const std::string_view digits = rest_.substr(0, end);
    rest_.remove_prefix(end);
    return digits;
  }
  bool Take(char c) {
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool DigitFollows() const { return !rest_.empty() && IsDigit(rest_[0]); }

  Status SetDate(std::optional<int> year, std::optional<int> month, std::optional<int> day) {
    if (day_number_) return Bad("it has two dates");
    if (!year || *year < 1970 || !month || *month < 1 || !day || *day < 1)
      return Bad("expected a date as YYYY-MM-DD from 1970 on");
    const CivilDate date{*year, *month, *day};
    day_number_ = DaysFromCivil(date);
    const CivilDate back = CivilFromDays(*day_number_);  // turns 31 April into 1 May
    if (back.month != date.month || back.day != date.day) return Bad("there is no such day");
    return Status::Ok();
  }

  // Begins with digits: a time of day, a date, a part of one, or either without punctuation.
  Status Digits() {
    const std::string_view digits = TakeDigits();
    const char next = rest_.empty() ? ' ' : rest_[0];
    if (next == ':') return TimeOfDay(digits);
    if (next == '-' || next == '/') return Date(digits);
    if (next == '.' && (!day_number_ || digits.size() != 6))
      return Bad("expected a date as YYYY-MM-DD from 1970 on, and a time of day as HH:MM:SS");
    if (!day_number_ && digits.size() == 8)
      return SetDate(Number(digits.substr(0, 4), 9999), Number(digits.substr(4, 2), 12), Number(digits.substr(6), 31));
    if (day_number_ && (digits.size() == 6 || digits.size() == 4))
      return SetTime(digits.substr(0, 2), digits.substr(2, 2), digits.substr(4));
    if (digits.size() > 4 || numbers_.size() == 2) return Bad("it is not clear what " + Quoted(digits) + " is");
    numbers_.push_back(digits);
    return Status::Ok();
  }

  // `first` and what follows it: YYYY-MM-DD, YYYY/MM/DD, or with the month as a word.
  Status Date(std::string_view first) {
    const char separator = rest_[0];
    std::array<std::string_view, 3> parts = {first};
    for (size_t i = 1; i < 3; i++) {
      if (!Take(separator)) return Bad("expected a date as YYYY-MM-DD from 1970 on");
      size_t end = 0;
      while (end < rest_.size() && (i == 1 ? IsLetterOrDigit(rest_[end]) : IsDigit(rest_[end]))) end++;
      parts[i] = rest_.substr(0, end);
      rest_.remove_prefix(end);
    }
    if (!rest_.empty() && (rest_[0] == '-' || rest_[0] == '/'))
      return Bad("expected a space, or a T, between date and time of day");
    const int month = NameNumber(kMonths, LowerCase(parts[1]));
    const bool year_first = first.size() == 4;
    if (!year_first && parts[2].size() != 4)
      return Bad("expected a date as YYYY-MM-DD from 1970 on, the year with four digits");
    if (!year_first && month < 0)
      return Bad("whether the day or the month comes first is ambiguous; expected a date as YYYY-MM-DD");
    return SetDate(Number(year_first ? first : parts[2], 9999), month >= 0 ? month + 1 : Number(parts[1], 12),
                   Number(year_first ? parts[2] : first, 31));
  }

  Status TimeOfDay(std::string_view hour) {
    Take(':');
    const std::string_view minute = TakeDigits();
    if (!Take(':')) return SetTime(hour, minute, "");
    const std::string_view second = TakeDigits();
    if (second.empty()) return Bad("expected a time of day as HH:MM:SS");
    return SetTime(hour, minute, second);
  }

  // And the fraction that follows, if any.
  Status SetTime(std::string_view hour, std::string_view minute, std::string_view second) {
    if (seconds_) return Bad("it has two times of day");
    const auto h = Number(hour, 24), m = Number(minute, 59), s = Number(second.empty() ? "00" : second, 60);
    if (!h || !m || !s || hour.size() > 2 || minute.size() != 2 || second.size() == 1 || second.size() > 2)
      return Bad("expected a time of day as HH:MM:SS");
    seconds_ = *h * 3600 + *m * 60 + *s;
    if (!second.empty() && (rest_.starts_with('.') || (rest_.size() > 1 && rest_[0] == ',' && IsDigit(rest_[1])))) {
      rest_.remove_prefix(1);
      if (!DigitFollows()) return Bad("expected a time of day as HH:MM:SS");
      micros_ = FractionMicros(TakeDigits());
    }
    if (*seconds_ * kSecondMicros + micros_ > kSecondsPerDay * kSecondMicros)
      return Bad("expected a time of day as HH:MM:SS");
    return Status::Ok();
  }

  // +HH, +HHMM, +HH:MM or +HH:MM:SS.
  Status Offset() {
    const bool west = rest_[0] == '-';
    rest_.remove_prefix(1);
    while (Take(' ')) {}
    const std::string_view digits = TakeDigits();
    const bool together = digits.size() == 4;
    std::optional<int> offset = Number(together ? digits.substr(0, 2) : digits, 15);
    if (!offset || digits.size() == 3) return Bad("expected an offset from UTC as +HH:MM");
    *offset *= 3600;
    const int units[] = {60, 1};
    for (size_t i = 0; i < 2; i++) {
      const bool joined = i == 0 && together;
      if (!joined && !Take(':')) break;
      const std::string_view part = joined ? digits.substr(2) : TakeDigits();
      const auto value = part.size() == 2 ? Number(part, 59) : std::nullopt;
      if (!value) return Bad("expected an offset from UTC as +HH:MM");
      *offset += *value * units[i];
      if (joined) break;
    }
    return SetZone(TimeZone::Fixed(west ? -*offset : *offset));
  }

  Status SetZone(const TimeZone& zone) {
    if (has_zone_) return Bad("it has two zones");
    has_zone_ = true;
    zone_ = zone;
    return Status::Ok();
  }

  Status Word() {
    size_t end = 0;
    while (end < rest_.size() && IsLetter(rest_[end])) end++;
    const std::string word = LowerCase(rest_.substr(0, end));
    const char next = end < rest_.size() ? rest_[end] : ' ';
    if (word == "t" && IsDigit(next) && day_number_ && !seconds_) {
      rest_.remove_prefix(end);
      return Status::Ok();
    }
    const int month = NameNumber(kMonths, word);
    if (next == ' ' || next == ',') {
      bool known = true;
      PITR_TRY(KnownWord(word, month, known));
      if (known) {
        rest_.remove_prefix(end);
        return Status::Ok();
      }
    }
    while (end < rest_.size() &&
           (IsLetterOrDigit(rest_[end]) || std::string_view("+-/_.:").find(rest_[end]) != std::string_view::npos))
      end++;
    const std::string_view name = rest_.substr(0, end);
    rest_.remove_prefix(end);
    zone_name_ = name;
    const auto zone = TimeZone::ByName(name);
    if (zone.ok()) return SetZone(zone.value());
    // A zone that only this machine's own clock knows: what `date` prints here.
    if (const auto offset = local_.OffsetCalled(name, now_micros_ / kSecondMicros))
      return SetZone(TimeZone::Fixed(*offset));
    // Before any date or time of day it was hardly meant as a zone: '1 fortnight ago', 'epoch'.
    if (!day_number_ && !seconds_ && month_ < 0) return Bad("it is not clear what " + Quoted(name) + " is");
    return Bad(zone.status().message()).WithHint(zone.status().hint());
  }

  Status KnownWord(const std::string& word, int month, bool& known) {
    const int weekday = NameNumber(kWeekdays, word);
    if (word == "now") {
      now_ = true;
    } else if (word == "today" || word == "yesterday" || word == "tomorrow") {
      if (day_number_) return Bad("it has two dates");
      const int64_t seconds = now_micros_ / kSecondMicros;
      const int64_t here = seconds + local_.OffsetAt(seconds);
      day_number_ = here / kSecondsPerDay + (word == "yesterday" ? -1 : word == "tomorrow" ? 1 : 0);
    } else if (word == "am" || word == "pm") {
      if (!meridiem_.empty()) return Bad("it has AM or PM twice");
      meridiem_ = word;
    } else if (month >= 0) {
      if (month_ >= 0) return Bad("it has two months");
      month_ = month;
    } else if (weekday >= 0) {
      weekday_ = weekday;
    } else {
      known = word == "at" || word == "on";
    }
    return Status::Ok();
  }

  // A date whose month is a word.
  Status MonthByName() {
    if (month_ < 0) {
      if (!numbers_.empty())
        return Bad("it is not clear what " + Quoted(numbers_[0]) + " is; expected a date as YYYY-MM-DD");
      return Status::Ok();
    }
    if (numbers_.size() != 2) return Bad("expected a day and a year with the month");
    const bool year_first = numbers_[0].size() == 4;
    if ((numbers_[1].size() == 4) == year_first || numbers_[year_first ? 1 : 0].size() > 2)
      return Bad("expected a year with four digits, and a day");
    return SetDate(Number(numbers_[year_first ? 0 : 1], 9999), month_ + 1, Number(numbers_[year_first ? 1 : 0], 31));
  }

  Status Meridiem() {
    if (meridiem_.empty()) return Status::Ok();
    if (!seconds_ || *seconds_ / 3600 < 1 || *seconds_ / 3600 > 12) return Bad("AM and PM need an hour from 1 to 12");
    if (*seconds_ / 3600 == 12) *seconds_ -= 12 * 3600;
    if (meridiem_ == "pm") *seconds_ += 12 * 3600;
    return Status::Ok();
  }

  Result<ParsedTimestamp> Together() {
    PITR_TRY(MonthByName());
    PITR_TRY(Meridiem());
    ParsedTimestamp result;
    result.has_zone = has_zone_ || now_;
    if (now_) {
      if (day_number_ || seconds_ || has_zone_ || weekday_ >= 0) return Bad("now is a time by itself");
      result.micros = now_micros_;
      return result;
    }
    if (!day_number_)
      return Bad(seconds_ ? "of which day? Write today, yesterday or a date"
                          : "expected a date as YYYY-MM-DD from 1970 on");
    if (weekday_ >= 0 && (*day_number_ + 4) % 7 != weekday_)
      return Bad("that day is a " + std::string(kWeekdays[static_cast<size_t>((*day_number_ + 4) % 7)]));
    const int64_t local = *day_number_ * kSecondsPerDay + seconds_.value_or(0);
    const TimeZone::Instant instant = zone_.ToUtc(local);
    PITR_TRY(CheckAbbreviation(instant.utc_seconds));
    result.exact = instant.exact;
    if (!instant.exact) result.inexact = Inexact(local, instant);
    result.micros = instant.utc_seconds * kSecondMicros + micros_;
    return result;
  }

  // PostgreSQL from version 18 on asks the session's own zone first what an abbreviation means.
  Status CheckAbbreviation(int64_t utc_seconds) const {
    if (zone_name_.empty() || FindZoneAbbreviation(zone_name_) == nullptr) return Status::Ok();
    const auto here = local_.OffsetCalled(zone_name_, utc_seconds);
    const int there = zone_.OffsetAt(utc_seconds);
    if (!here || *here == there) return Status::Ok();
    return Status(Code::kInvalidArgument, "the time " + Quoted(text_) + " is ambiguous: in this machine's time zone " +
                                              Quoted(zone_name_) + " is another one than in PostgreSQL's table")
        .WithHint("Give the offset from UTC: " + OffsetText(*here) + " here, " + OffsetText(there) + " in the table.");
  }

  Status Inexact(int64_t local, const TimeZone::Instant& instant) const {
    const auto with = [&](int offset) {
      return FormatTimestamp((local - offset) * kSecondMicros + micros_, TimeZone::Fixed(offset));
    };
    const std::string before = with(instant.offset_before);
    if (instant.skipped)
      return Status(Code::kInvalidArgument,
                    "invalid time " + Quoted(text_) + ": it does not exist, clocks were set forward over it")
          .WithHint("Give a time that exists, or the offset from UTC: " + before + " is what clocks there called " +
                    FormatTimestamp(instant.utc_seconds * kSecondMicros + micros_, zone_) + ".");
    return Status(Code::kInvalidArgument,
                  "the time " + Quoted(text_) + " is ambiguous: clocks were set back, and it occurred twice")
        .WithHint("Give it with its offset from UTC: " + before + " is the first time, " + with(instant.offset_after) +
                  " the second.");
  }

  const std::string_view text_;
  std::string_view rest_;
  const TimeZone local_;
  TimeZone zone_;
  bool has_zone_ = false;
  std::string_view zone_name_;
  const int64_t now_micros_;
  bool now_ = false;
  std::optional<int64_t> day_number_;  // since 1970-01-01
  std::optional<int64_t> seconds_;     // of the day
  int64_t micros_ = 0;
  std::string meridiem_;
  int month_ = -1, weekday_ = -1;
  std::vector<std::string_view> numbers_;
};

}  // namespace

Result<ParsedTimestamp> ParseTimestamp(std::string_view text, const TimeZone& default_zone, int64_t now_micros) {
  if (now_micros == 0) now_micros = SystemClock().WallMicros();
  PITR_ASSIGN(const std::optional<TimeDistance> distance, ParseTimeDistance(text));
  if (distance) return TimeAt(*distance, default_zone, now_micros);
  return TimestampReader(text, default_zone, now_micros).Read();
}

}  // namespace pitr
