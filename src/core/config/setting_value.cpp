// Values of settings as text: parsing them as PostgreSQL does (utils/misc/guc.c: parse_bool, parse_int), and showing
// them.
#include <charconv>
#include <climits>
#include <cmath>
#include <cstdint>
#include <optional>

#include "core/base/ascii.h"
#include "core/base/calendar_span.h"
#include "core/base/letter_case.h"
#include "core/config/settings.h"

namespace pitr {
namespace {

bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

std::string_view Trim(std::string_view text) {
  while (!text.empty() && IsSpace(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsSpace(text.back())) text.remove_suffix(1);
  return text;
}

struct UnitName {
  const char* name;
  double factor;  // in the setting's own unit
};
constexpr UnitName kTimeUnits[] = {{"us", 0.001}, {"ms", 1}, {"s", 1000}, {"min", 60e3}, {"h", 3600e3}, {"d", 86400e3}};
constexpr UnitName kSizeUnits[] = {
    {"B", 1.0 / 1024}, {"kB", 1}, {"MB", 1024}, {"GB", 1024.0 * 1024}, {"TB", 1024.0 * 1024 * 1024}};

std::span<const UnitName> UnitsOf(SettingUnit unit) {
  switch (unit) {
    case SettingUnit::kNone:
      return {};
    case SettingUnit::kMilliseconds:
      return kTimeUnits;
    case SettingUnit::kKilobytes:
      return kSizeUnits;
  }
  return {};
}

// The whole of `text` is a case-insensitive prefix of `word`.
bool IsPrefix(std::string_view text, std::string_view word, size_t at_least) {
  return text.size() >= at_least && StartsWithButForCase(word, text);
}

std::optional<bool> ParseBool(std::string_view text) {
  if (text == "1" || IsPrefix(text, "true", 1) || IsPrefix(text, "yes", 1) || IsPrefix(text, "on", 2)) return true;
  if (text == "0" || IsPrefix(text, "false", 1) || IsPrefix(text, "no", 1) || IsPrefix(text, "off", 2)) return false;
  return std::nullopt;
}

// As strtol with base 0 where there is no fraction or exponent, else as strtod. The rest of the text is left in `text`.
std::optional<double> TakeNumber(std::string_view& text) {
  std::string_view digits = text;
  const bool negative = !digits.empty() && digits[0] == '-';
  if (!digits.empty() && (digits[0] == '-' || digits[0] == '+')) digits.remove_prefix(1);
  const char* end = digits.data() + digits.size();
  const bool hex = digits.size() > 2 && digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X');
  const bool octal = !hex && digits.size() > 1 && digits[0] == '0' && digits[1] >= '0' && digits[1] <= '7';
  if (hex || octal) {
    uint64_t integer = 0;
    auto [stop, error] = std::from_chars(digits.data() + (hex ? 2 : 1), end, integer, hex ? 16 : 8);
    if (error != std::errc()) return std::nullopt;
    if (stop == end || (*stop != '.' && *stop != 'e' && *stop != 'E')) {
      text = {stop, static_cast<size_t>(end - stop)};
      const double value = static_cast<double>(integer);
      return negative ? -value : value;
    }
  }
  if (digits.empty() || !(IsDigit(digits[0]) || digits[0] == '.')) return std::nullopt;
  double value = 0;
  auto [stop, error] = std::from_chars(digits.data(), end, value);
  if (error != std::errc()) return std::nullopt;
  text = {stop, static_cast<size_t>(end - stop)};
  return negative ? -value : value;
}

std::string Allowed(const Setting& setting) {
  const std::span<const UnitName> units = UnitsOf(setting.unit);
  if (units.empty()) return "";
  std::string list = "Valid units for this setting are";
  for (size_t i = 0; i < units.size(); i++)
    list += std::string(i == 0 ? " \"" : i + 1 == units.size() ? ", and \"" : ", \"") + units[i].name + "\"";
  return list + ".";
}

Status Invalid(const Setting& setting, std::string_view text) {
  return {Code::kInvalidArgument, "invalid value for setting \"" + std::string(kSettingPrefix) + setting.name +
                                      "\": \"" + std::string(text.substr(0, 200)) + "\""};
}

// As PostgreSQL, to which "gb" is no unit; with `any_case` it is one.
Result<int> ParseInteger(const Setting& setting, std::string_view text, bool any_case = false) {
  std::string_view rest = Trim(text);
  const std::optional<double> number = TakeNumber(rest);
  if (!number) {
    const std::string units = Allowed(setting);
    return Invalid(setting, text).WithHint("Give a number." + (units.empty() ? "" : " " + units));
  }
  rest = Trim(rest);
  double value = *number;
  if (!rest.empty()) {
    const UnitName* found = nullptr;
    const UnitName* nearly = nullptr;
    for (const UnitName& unit : UnitsOf(setting.unit)) {
      if (rest == unit.name) found = &unit;
      if (LowerCase(rest) == LowerCase(unit.name)) nearly = &unit;
    }
    if (found == nullptr && any_case) found = nearly;
    if (found == nullptr && nearly != nullptr)
      return Invalid(setting, text)
          .WithHint("To PostgreSQL case counts in units: write \"" + std::string(nearly->name) + "\".");
    if (found == nullptr)
      return Invalid(setting, text)
          .WithHint(setting.unit == SettingUnit::kNone ? "This setting has no unit." : Allowed(setting));
    value *= found->factor;
  }
  value = std::nearbyint(value);
  if (!(value >= setting.min && value <= setting.max)) {
    return Invalid(setting, text)
        .WithHint("It must be between " + ShowInteger(setting, setting.min) + " and " +
                  ShowInteger(setting, setting.max) + ".");
  }
  return static_cast<int>(value);
}

// Everybody can read a setting: in the file, in pg_settings, and as a placeholder in sessions without the module. So no
// URL carries a user or a password, wherever one is a setting, with or without its scheme; and no message shows it.
Status CheckNoCredentials(const Setting& setting, std::string_view text) {
  const std::string_view name = setting.name;
  const size_t scheme = text.find("://");
  const bool is_url = name == "repository" || name == "proxy" || name == "s3_endpoint";
  const std::string_view authority = scheme == std::string_view::npos ? text : text.substr(scheme + 3);
  // A password may hold a slash: what follows one counts when only a user name and its password can come before it.
  const size_t at = name == "repository" ? authority.substr(0, authority.find('/')).find('@') : authority.find('@');
  if (!is_url || at == std::string_view::npos) return Status::Ok();
  const bool proxy = name == "proxy";
  return Status(Code::kInvalidArgument,
                "setting \"" + std::string(kSettingPrefix) + setting.name + "\" must not carry a user or password")
      .WithHint(proxy ? "Write user:password into a file that only its owner can read, and name it in "
                        "pg_pitr.proxy_credentials_file."
                      : "Access keys come from pg_pitr.s3_credentials_file.");
}

Status CheckText(const Setting& setting, std::string_view text) {
  PITR_TRY(CheckNoCredentials(setting, text));
  for (char c : text)
    if (static_cast<unsigned char>(c) < 0x20)
      return Invalid(setting, "...").WithHint("It must not contain control characters.");
  if (setting.check != nullptr) {
    Status problem = setting.check(text);
    if (!problem.ok()) return Invalid(setting, text).WithHint(problem.hint());
  }
  if (setting.values == nullptr) return Status::Ok();
  std::string hint;
  for (std::string_view rest = setting.values;;) {
    const size_t bar = rest.find('|');
    const std::string_view value = rest.substr(0, bar);
    if (value == text) return Status::Ok();
    hint += (hint.empty() ? "\"" : ", \"") + std::string(value) + "\"";
    if (bar == std::string_view::npos) break;
    rest.remove_prefix(bar + 1);
  }
  return Invalid(setting, text).WithHint("Available values: " + hint + ".");
}

}  // namespace

std::string ShowInteger(const Setting& setting, int value) {
  // The largest unit that divides it, as SHOW does.
  const UnitName* best = nullptr;
  for (const UnitName& unit : UnitsOf(setting.unit))
    if (unit.factor >= 1 && value % static_cast<int64_t>(unit.factor) == 0) best = &unit;
  if (value == 0 || best == nullptr) return std::to_string(value);
  return std::to_string(value / static_cast<int64_t>(best->factor)) + best->name;
}

Status ApplySetting(const Setting& setting, std::string_view text, Config& config) {
  if (auto* member = std::get_if<std::string Config::*>(&setting.member)) {
    PITR_TRY(CheckText(setting, text));
    config.*(*member) = std::string(text);
    return Status::Ok();
  }
  if (auto* member = std::get_if<bool Config::*>(&setting.member)) {
    const std::optional<bool> value = ParseBool(Trim(text));
    if (!value) return Invalid(setting, text).WithHint("Give \"on\" or \"off\".");
    config.*(*member) = *value;
    return Status::Ok();
  }
  PITR_ASSIGN(const int value, ParseInteger(setting, text));
  config.*std::get<int Config::*>(setting.member) = value;
  return Status::Ok();
}

Status ApplyOption(const Setting& setting, std::string_view text, Config& config) {
  const auto* member = std::get_if<int Config::*>(&setting.member);
  if (member == nullptr) return ApplySetting(setting, text, config);
  PITR_ASSIGN(config.*(*member), ParseInteger(setting, text, true));
  return Status::Ok();
}

std::string UnderstoodAs(const Setting& setting, std::string_view text) {
  std::string understood;
  if (std::holds_alternative<int Config::*>(setting.member)) {
    const auto value = ParseInteger(setting, text);
    if (value.ok()) understood = ShowInteger(setting, value.value());
  } else if (setting.check != nullptr) {
    const auto span = ParseCalendarSpan(text);
    if (setting.check(text).ok() && span.ok()) understood = SpanText(span.value());
  }
  const auto plain = [](std::string_view value) {
    std::string letters;
    for (const char c : value)
      if (!IsSpace(c)) letters += c;
    return letters;
  };
  return plain(understood) == plain(text) ? "" : understood;
}

std::string ShowSetting(const Setting& setting, const Config& config) {
  if (auto* member = std::get_if<bool Config::*>(&setting.member)) return config.*(*member) ? "on" : "off";
  if (auto* member = std::get_if<int Config::*>(&setting.member)) return ShowInteger(setting, config.*(*member));
  return config.*std::get<std::string Config::*>(setting.member);
}

std::vector<ConfigRow> DescribeConfig(const Config& config) {
  const Config defaults;
  std::vector<ConfigRow> rows;
  for (const Setting& setting : AllSettings()) {
    std::string value = ShowSetting(setting, config);
    const bool is_default = value == ShowSetting(setting, defaults);
    rows.push_back({std::string(kSettingPrefix) + setting.name, std::move(value), is_default, setting.description});
  }
  return rows;
}

}  // namespace pitr
