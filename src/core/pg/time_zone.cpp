// Reads TZif files and evaluates the POSIX rule in their footer. Everything read is bounded by the size
// of the input, which is bounded by kMaxTzifSize.
#include "core/pg/time_zone.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <vector>

#include "core/base/ascii.h"
#include "core/base/day.h"
#include "core/base/letter_case.h"
#include "core/pg/civil_date.h"
#include "core/pg/zone_abbreviation.h"

namespace pitr {
namespace {

constexpr size_t kMaxTzifSize = 256u << 10;
constexpr size_t kMaxNameSize = 64;
constexpr const char* kDatabase = "/usr/share/zoneinfo/";
constexpr int64_t kSeason = 60 * kSecondsPerDay;
constexpr int64_t kLastExplicit = INT64_C(2145916800);  // 2038-01-01: the data repeats itself from there on
constexpr int kMaxOffset = 26 * 3600;

// When daylight saving time starts or ends each year.
struct YearRule {
  enum class Kind { kMonthWeekDay, kJulianWithoutLeapDay, kDayOfYear } kind = Kind::kMonthWeekDay;
  int month = 1, week = 1, day = 0;
  int seconds = 7200;  // local time of the day; may be negative or more than a day
};

struct PosixRule {
  int standard_offset = 0;
  bool has_daylight = false;
  int daylight_offset = 0;
  YearRule start, end;
};

int64_t YearOf(int64_t utc_seconds) {
  int64_t year = 1970 + utc_seconds / 31556952;
  while (DaysFromCivil({year + 1, 1, 1}) * kSecondsPerDay <= utc_seconds) ++year;
  while (DaysFromCivil({year, 1, 1}) * kSecondsPerDay > utc_seconds) --year;
  return year;
}

// Local seconds (as if UTC) at which the rule applies in `year`.
int64_t Apply(const YearRule& rule, int64_t year) {
  int64_t day = 0;
  switch (rule.kind) {
    case YearRule::Kind::kJulianWithoutLeapDay:
      day = DaysFromCivil({year, 1, 1}) + rule.day - 1 + (IsLeapYear(year) && rule.day >= 60);
      break;
    case YearRule::Kind::kDayOfYear:
      day = DaysFromCivil({year, 1, 1}) + rule.day;
      break;
    case YearRule::Kind::kMonthWeekDay: {
      const int64_t first = DaysFromCivil({year, rule.month, 1});
      const int64_t next_month =
          rule.month == 12 ? DaysFromCivil({year + 1, 1, 1}) : DaysFromCivil({year, rule.month + 1, 1});
      const int64_t weekday = ((first + 4) % 7 + 7) % 7;  // 1970-01-01 was a Thursday
      day = first + (rule.day - weekday + 7) % 7 + int64_t{7} * (rule.week - 1);
      while (day >= next_month) day -= 7;
      break;
    }
  }
  return day * kSecondsPerDay + rule.seconds;
}

// Reads the pieces of a POSIX TZ string off its front.
class RuleReader {
 public:
  explicit RuleReader(std::string_view text) : rest_(text) {}
  bool done() const { return rest_.empty(); }
  bool Take(char c) {
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool Name() {
    if (Take('<')) {
      const size_t end = rest_.find('>');
      if (end == std::string_view::npos) return false;
      rest_.remove_prefix(end + 1);
      return true;
    }
    size_t size = 0;
    while (size < rest_.size() && IsLetter(rest_[size])) ++size;
    rest_.remove_prefix(size);
    return size >= 3;
  }
  std::optional<int> Number(int max) {
    int value = 0;
    auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    if (error != std::errc() || value < 0 || value > max) return std::nullopt;
    rest_.remove_prefix(static_cast<size_t>(end - rest_.data()));
    return value;
  }
  // [+-]h[:mm[:ss]]
  std::optional<int> Time() {
    const bool negative = Take('-');
    if (!negative) Take('+');
    const auto hours = Number(167);
    if (!hours) return std::nullopt;
    int seconds = *hours * 3600;
    for (int unit : {60, 1}) {
      if (!Take(':')) break;
      const auto part = Number(59);
      if (!part) return std::nullopt;
      seconds += *part * unit;
    }
    return negative ? -seconds : seconds;
  }
  std::optional<YearRule> Year() {
    YearRule rule;
    if (Take('M')) {
      const auto month = Number(12);
      if (!month || *month < 1 || !Take('.')) return std::nullopt;
      const auto week = Number(5);
      if (!week || *week < 1 || !Take('.')) return std::nullopt;
      const auto day = Number(6);
      if (!day) return std::nullopt;
      rule = {YearRule::Kind::kMonthWeekDay, *month, *week, *day};
    } else {
      rule.kind = Take('J') ? YearRule::Kind::kJulianWithoutLeapDay : YearRule::Kind::kDayOfYear;
      const auto day = Number(365);
      if (!day) return std::nullopt;
      rule.day = *day;
    }
    if (Take('/')) {
      const auto time = Time();
      if (!time) return std::nullopt;
      rule.seconds = *time;
    }
    return rule;
  }

 private:
  std::string_view rest_;
};

std::optional<PosixRule> ParsePosixRule(std::string_view text) {
  RuleReader reader(text);
  PosixRule rule;
  if (!reader.Name()) return std::nullopt;
  const auto west = reader.Time();
  if (!west) return std::nullopt;
  rule.standard_offset = -*west;
  if (reader.done()) return rule;
  rule.has_daylight = true;
  if (!reader.Name()) return std::nullopt;
  rule.daylight_offset = rule.standard_offset + 3600;
  if (!reader.Take(',')) {
    const auto daylight_west = reader.Time();
    if (!daylight_west || !reader.Take(',')) return std::nullopt;
    rule.daylight_offset = -*daylight_west;
  }
  const auto start = reader.Year();
  if (!start || !reader.Take(',')) return std::nullopt;
  const auto end = reader.Year();
  if (!end || !reader.done()) return std::nullopt;
  rule.start = *start;
  rule.end = *end;
  return rule;
}

int OffsetByRule(const PosixRule& rule, int64_t utc_seconds) {
  if (!rule.has_daylight) return rule.standard_offset;
  const int64_t year = YearOf(utc_seconds + rule.standard_offset);
  const int64_t start = Apply(rule.start, year) - rule.standard_offset;
  const int64_t end = Apply(rule.end, year) - rule.daylight_offset;
  const bool daylight = start < end ? start <= utc_seconds && utc_seconds < end   // north
                                    : start <= utc_seconds || utc_seconds < end;  // south
  return daylight ? rule.daylight_offset : rule.standard_offset;
}

template <class T>
T LoadBe(const uint8_t* from) {
  T value = 0;
  for (size_t i = 0; i < sizeof(T); ++i) value = static_cast<T>(static_cast<uint64_t>(value) << 8 | from[i]);
  return value;
}

constexpr size_t kHeaderSize = 44;
struct TzifHeader {
  uint32_t utc_flags, standard_flags, leaps, transitions, types, chars;
  size_t DataSize(size_t time_size) const {
    return transitions * (time_size + 1) + size_t{types} * 6 + chars + leaps * (time_size + 4) + standard_flags +
           utc_flags;
  }
};

std::optional<TzifHeader> ReadHeader(ByteView bytes, size_t time_size) {
  if (bytes.size() < kHeaderSize || AsText(bytes.first(4)) != "TZif") return std::nullopt;
  uint32_t counts[6];
  for (size_t i = 0; i < 6; ++i) {
    counts[i] = LoadBe<uint32_t>(&bytes[20 + 4 * i]);
    if (counts[i] > bytes.size()) return std::nullopt;
  }
  const TzifHeader header{counts[0], counts[1], counts[2], counts[3], counts[4], counts[5]};
  if (header.types == 0 || header.DataSize(time_size) > bytes.size() - kHeaderSize) return std::nullopt;
  return header;
}

bool IsZoneName(std::string_view name) {
  if (name.empty() || name.size() > kMaxNameSize || name[0] == '/' || name.find("..") != std::string_view::npos)
    return false;
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return IsLetterOrDigit(c) || c == '/' || c == '_' || c == '+' || c == '-'; });
}

// Empty when there is none, or it is something else than a zone.
Bytes ReadZoneFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return {};
  Bytes bytes(kMaxTzifSize);
  file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<size_t>(file.gcount()));
  return AsText(bytes).starts_with("TZif") ? bytes : Bytes{};
}

// As the database spells it; "" when it has no such name. Case does not count.
std::string SpelledName(std::string_view name) {
  if (std::error_code missing; std::filesystem::exists(kDatabase + std::string(name), missing))
    return std::string(name);
  std::string spelled;
  for (;;) {
    const size_t slash = name.find('/');
    const std::string wanted = LowerCase(name.substr(0, slash));
    std::string found;
    std::error_code error;
    for (std::filesystem::directory_iterator entry(kDatabase + spelled, error), end; !error && entry != end;
         entry.increment(error))
      if (const std::string each = entry->path().filename().string(); LowerCase(each) == wanted) found = each;
    if (found.empty()) return "";
    spelled += found;
    if (slash == std::string_view::npos) return spelled;
    spelled += '/';
    name.remove_prefix(slash + 1);
  }
}

// "UTC+3": letters, then an offset, of which PostgreSQL reads the sign as POSIX says it.
bool IsPosixName(std::string_view name) {
  size_t letters = 0;
  while (letters < name.size() && IsLetter(name[letters])) letters++;
  return letters >= 3 && name.size() > letters && (name[letters] == '+' || name[letters] == '-') &&
         name.find_first_not_of("0123456789:", letters + 1) == std::string_view::npos;
}

}  // namespace

struct TimeZone::Rules {
  std::string name;
  std::vector<int64_t> times;  // increasing; offsets[i] is in force from times[i] on
  std::vector<int> offsets;
  std::vector<std::string> abbreviations;  // what local time is called then
  int first_offset = 0;                    // before times[0]
  std::optional<PosixRule> after;
};

TimeZone TimeZone::Fixed(int offset_seconds) {
  TimeZone zone;
  zone.fixed_offset_ = offset_seconds;
  return zone;
}

TimeZone TimeZone::Local() {
  tzset();
  TimeZone zone;
  zone.kind_ = Kind::kLocal;
  return zone;
}

Result<TimeZone> TimeZone::FromTzif(std::string name, ByteView bytes) {
  const Status bad(Code::kCorruption, "time zone data of \"" + name + "\" is damaged");
  size_t time_size = 4;
  auto header = ReadHeader(bytes, time_size);
  if (!header) return bad;
  if (bytes[4] >= '2') {  // a second block with 64-bit times follows
    bytes = bytes.subspan(kHeaderSize + header->DataSize(time_size));
    time_size = 8;
    header = ReadHeader(bytes, time_size);
    if (!header) return bad;
  }
  const uint8_t* times = bytes.data() + kHeaderSize;
  const uint8_t* indexes = times + header->transitions * time_size;
  const uint8_t* types = indexes + header->transitions;
  const auto offset_of = [&](size_t type) { return LoadBe<int32_t>(types + 6 * type); };
  const std::string_view chars = AsText(ByteView(types + size_t{6} * header->types, header->chars));
  const auto abbreviation_of = [&](size_t type) {
    const std::string_view rest = chars.substr(std::min<size_t>(types[6 * type + 5], chars.size()));
    return std::string(rest.substr(0, rest.find('\0')));
  };
  auto rules = std::make_shared<Rules>();
  rules->name = std::move(name);
  for (size_t i = 0; i < header->types; ++i)
    if (std::abs(int64_t{offset_of(i)}) > kMaxOffset) return bad;
  rules->first_offset = offset_of(0);
  for (size_t i = 0; i < header->transitions; ++i) {
    const int64_t at = time_size == 8 ? LoadBe<int64_t>(times + 8 * i) : LoadBe<int32_t>(times + 4 * i);
    if (indexes[i] >= header->types || (i > 0 && at <= rules->times.back())) return bad;
    rules->times.push_back(at);
    rules->offsets.push_back(offset_of(indexes[i]));
    rules->abbreviations.push_back(abbreviation_of(indexes[i]));
  }
  if (time_size == 8) {  // footer: newline, rule, newline
    std::string_view footer = AsText(bytes.subspan(kHeaderSize + header->DataSize(time_size)));
    if (footer.size() < 2 || footer[0] != '\n') return bad;
    footer.remove_prefix(1);
    footer = footer.substr(0, footer.find('\n'));
    if (!footer.empty()) {
      rules->after = ParsePosixRule(footer);
      if (!rules->after) return bad;
    }
  }
  TimeZone zone;
  zone.kind_ = Kind::kRules;
  zone.rules_ = std::move(rules);
  return zone;
}

Result<TimeZone> TimeZone::ByName(std::string_view name) {
  if (const ZoneAbbreviation* known = FindZoneAbbreviation(name)) {
    if (known->zone == nullptr) return Fixed(known->offset_seconds);
    PITR_ASSIGN(TimeZone zone, OfDatabase(known->zone));
    zone.abbreviation_ = known->name;
    return zone;
  }
  return OfDatabase(name);
}

Result<TimeZone> TimeZone::OfDatabase(std::string_view name) {
  // Those of "right" count leap seconds, which PostgreSQL does not.
  if (IsZoneName(name) && !LowerCase(name).starts_with("right/"))
    if (const std::string spelled = SpelledName(name); !spelled.empty())
      if (const Bytes bytes = ReadZoneFile(kDatabase + spelled); !bytes.empty()) return FromTzif(spelled, bytes);
  const std::string shown(name.substr(0, kMaxNameSize));
  if (IsPosixName(name))
    return Status(Code::kInvalidArgument, "time zone \"" + shown +
                                              "\" is ambiguous: to PostgreSQL + is west of Greenwich there, to many "
                                              "people east")
        .WithHint("Give the offset from UTC alone, such as +03 for three hours east.");
  return Status(Code::kInvalidArgument, "time zone \"" + shown + "\" is not known")
      .WithHint("Give the offset from UTC, such as +02, or a name such as Europe/Berlin.");
}

std::optional<int> TimeZone::OffsetCalled(std::string_view abbreviation, int64_t utc_seconds) const {
  const std::string wanted = UpperCase(abbreviation);
  if (kind_ == Kind::kRules) {
    const auto& times = rules_->times;
    const auto next = static_cast<size_t>(std::upper_bound(times.begin(), times.end(), utc_seconds) - times.begin());
    for (size_t i = next; i-- > 0;)
      if (rules_->abbreviations[i] == wanted) return rules_->offsets[i];
    for (size_t i = next; i < times.size(); i++)
      if (rules_->abbreviations[i] == wanted) return rules_->offsets[i];
  }
  if (kind_ == Kind::kLocal) {
    // The C library shows no list: all seasons, backwards, then forwards.
    const auto called = [&](int64_t at) {
      const time_t seconds = at;
      tm local{};
      return localtime_r(&seconds, &local) != nullptr && local.tm_zone != nullptr && wanted == local.tm_zone;
    };
    for (int64_t at = utc_seconds; at >= 0; at -= kSeason)
      if (called(at)) return OffsetAt(at);
    for (int64_t at = utc_seconds; at <= kLastExplicit; at += kSeason)
      if (called(at)) return OffsetAt(at);
  }
  return std::nullopt;
}

int TimeZone::OffsetAt(int64_t utc_seconds) const {
  if (!abbreviation_.empty())
    if (const auto meant = OffsetCalled(abbreviation_, utc_seconds)) return *meant;
  return ClocksAt(utc_seconds);
}

int TimeZone::ClocksAt(int64_t utc_seconds) const {
  switch (kind_) {
    case Kind::kFixed:
      return fixed_offset_;
    case Kind::kLocal: {
      const time_t at = utc_seconds;
      tm local{};
      return localtime_r(&at, &local) == nullptr ? 0 : static_cast<int>(local.tm_gmtoff);
    }
    case Kind::kRules:
      break;
  }
  const auto& times = rules_->times;
  const auto next = std::upper_bound(times.begin(), times.end(), utc_seconds);
  if (next == times.end() && rules_->after) return OffsetByRule(*rules_->after, utc_seconds);
  if (next == times.begin()) return rules_->first_offset;
  return rules_->offsets[static_cast<size_t>(next - times.begin()) - 1];
}

TimeZone::Instant TimeZone::ToUtc(int64_t local_seconds) const {
  const Instant instant = ByClocks(local_seconds);
  if (abbreviation_.empty()) return instant;
  const auto meant = OffsetCalled(abbreviation_, instant.utc_seconds);
  return meant ? Instant{local_seconds - *meant, true} : instant;
}

TimeZone::Instant TimeZone::ByClocks(int64_t local_seconds) const {
  const int before = ClocksAt(local_seconds - kSecondsPerDay);
  const int after = ClocksAt(local_seconds + kSecondsPerDay);
  const int64_t with_before = local_seconds - before, with_after = local_seconds - after;
  if (before == after) return {with_before, true};
  const bool before_holds = ClocksAt(with_before) == before;
  const bool after_holds = ClocksAt(with_after) == after;
  if (before_holds && after_holds) return {with_after, false, false, before, after};
  if (before_holds) return {with_before, true};
  if (after_holds) return {with_after, true};
  return {with_before, false, true, before, after};
}

}  // namespace pitr
