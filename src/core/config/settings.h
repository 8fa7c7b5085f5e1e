// The one table of settings: name (without "pg_pitr."), meaning, limits, unit, and the Config member it fills.
// Constant data; any thread.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/base/status.h"
#include "core/config/config.h"

namespace pitr {

enum class SettingUnit { kNone, kMilliseconds, kKilobytes };

struct Setting {
  const char* name;         // "s3_endpoint"
  const char* description;  // one line
  std::variant<std::string Config::*, int Config::*, bool Config::*> member;
  int min = 0;  // integers
  int max = 0;
  SettingUnit unit = SettingUnit::kNone;
  const char* values = nullptr;  // strings (case-sensitive): allowed ones separated by '|', the empty string being
                                 // allowed when it begins with '|'
  Status (*check)(std::string_view text) = nullptr;  // strings: more than a list of values; its hint is shown
};

inline constexpr std::string_view kSettingPrefix = "pg_pitr.";

std::span<const Setting> AllSettings();
// `name` with or without the prefix; nullptr when unknown.
const Setting* FindSetting(std::string_view name);

// What to tell somebody who wrote a pg_pitr.* name that does not exist: kInvalidArgument, with the nearest name as
// hint.
Status UnknownSetting(std::string_view name);

// Parses `text` as PostgreSQL would ("8MB", "30s", "on") and stores it. kInvalidArgument names the setting, the value,
// and what is allowed.
Status ApplySetting(const Setting& setting, std::string_view text, Config& config);

// The same of an option, whose units may be written in any case: "10 mb". No server reads it.
Status ApplyOption(const Setting& setting, std::string_view text, Config& config);

// What `text`, a value that is allowed, was understood as where that is not what it says: "1GB" for 1048576, "4 weeks"
// for "28d". "" where it is.
std::string UnderstoodAs(const Setting& setting, std::string_view text);

// As SHOW would: "8MB", "on".
std::string ShowSetting(const Setting& setting, const Config& config);
std::string ShowInteger(const Setting& setting, int value);

// Every setting with its value, in the order of the table.
struct ConfigRow {
  std::string name;  // with the prefix
  std::string value;
  bool is_default = false;
  std::string description;
};
std::vector<ConfigRow> DescribeConfig(const Config& config);

// Whether a setting of this name exists and means anything for the repository that `config` names: what is for S3 does
// not where it is in a directory.
bool HasEffect(std::string_view name, const Config& config);
// Whether reading the repository depends on the setting: one that is wrong must not be done without.
bool IsNeededForReading(std::string_view name, const Config& config);
// `config` with the defaults for what only storing, backups and retention need, and without what has no effect. For
// those who read, when ValidateConfig finds fault with the whole.
Config OnlyForReading(Config config);

// Checks what one setting cannot know: repository given and of a known kind, combinations. Hints say what to write.
Status ValidateConfig(const Config& config);

}  // namespace pitr
