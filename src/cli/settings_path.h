// Which settings file a command uses, and what it says.
#pragma once
#include <string>

#include "core/base/log.h"
#include "core/base/status.h"
#include "core/config/config.h"

namespace pitr::cli {

inline constexpr const char* kConfigVariable = "PG_PITR_CONFIG";
inline constexpr const char* kDefaultConfigPath = "/etc/pg_pitr.conf";

// `given` (from --config), else $PG_PITR_CONFIG, else kDefaultConfigPath; absolute. Whether the file exists is not
// looked at.
std::string ConfigPath(const std::string& given);

// What a verb needs the settings for. What it does not need may be wrong: that is a warning. A name that does not exist
// is an error for expiring only: it may be a mistyped retention setting.
enum class SettingsFor { kReading, kStoring, kExpiring };

// Reads and checks the settings; errors hint at --config.
Result<Config> LoadConfig(const std::string& path, SettingsFor what, Log& log);

// The absolute path of this program.
std::string ProgramPath();

}  // namespace pitr::cli
