// Reads TZif files and evaluates the POSIX rule in their footer. Everything read is bounded by the size
// of the input, which is bounded by kMaxTzifSize.
#include "core/pg/time_zone.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iterator>
#include <optional>
#include <vector>

#include "core/pg/civil_date.h"

namespace pitr {
namespace {

constexpr size_t kMaxTzifSize = 256u << 10;
constexpr size_t kMaxNameSize = 64;
constexpr const char* kDatabase = "/usr/share/zoneinfo/";
constexpr int64_t kDay = 86400;
constexpr int kMaxOffset = 26 * 3600;

// Abbreviations that PostgreSQL's default set knows and that are names of zones as well, some with daylight saving
// time: PostgreSQL takes the abbreviation.
struct Abbreviation {
  std::string_view name;
  int offset_hours;
};
constexpr Abbreviation kAbbreviations[] = {{"CET", 1},  {"MET", 1},  {"EET", 2},  {"WET", 0},
                                           {"EST", -5}, {"MST", -7}, {"HST", -10}};

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
  while (DaysFromCivil({year + 1, 1, 1}) * kDay <= utc_seconds) ++year;
  while (DaysFromCivil({year, 1, 1}) * kDay > utc_seconds) --year;
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
  return day * kDay + rule.seconds;
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
    while (size < rest_.size() && std::isalpha(static_cast<unsigned char>(rest_[size]))) ++size;
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
                     [](unsigned char c) { return std::isalnum(c) || c == '/' || c == '_' || c == '+' || c == '-'; });
}

std::optional<Bytes> ReadZoneFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  Bytes bytes(kMaxTzifSize);
  file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<size_t>(file.gcount()));
  return bytes;
}

}  // namespace

struct TimeZone::Rules {
  std::string name;
  std::vector<int64_t> times;  // increasing; offsets[i] is in force from times[i] on
  std::vector<int> offsets;
  int first_offset = 0;  // before times[0]
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
  std::string upper(name);
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  if (upper == "UTC" || upper == "GMT" || upper == "Z" || upper == "ZULU") return Utc();
  for (const Abbreviation& known : kAbbreviations)
    if (upper == known.name) return Fixed(known.offset_hours * 3600);
  if (IsZoneName(name))
    for (const std::string& candidate : {std::string(name), upper})
      if (auto bytes = ReadZoneFile(kDatabase + candidate); bytes && !bytes->empty())
        return FromTzif(candidate, *bytes);
  return Status(Code::kInvalidArgument, "time zone \"" + std::string(name.substr(0, kMaxNameSize)) + "\" is not known")
      .WithHint("Give the offset from UTC, such as +02, or a name such as Europe/Berlin.");
}

int TimeZone::OffsetAt(int64_t utc_seconds) const {
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
  const int before = OffsetAt(local_seconds - kDay);
  const int after = OffsetAt(local_seconds + kDay);
  const int64_t with_before = local_seconds - before, with_after = local_seconds - after;
  if (before == after) return {with_before, true};
  const bool before_holds = OffsetAt(with_before) == before;
  const bool after_holds = OffsetAt(with_after) == after;
  if (before_holds && after_holds) return {with_after, false, false, before, after};
  if (before_holds) return {with_before, true};
  if (after_holds) return {with_after, true};
  return {with_before, false, true, before, after};
}

}  // namespace pitr
