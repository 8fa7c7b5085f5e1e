// Which settings file a command uses, and what it says.
#pragma once
#include <string>

#include "core/base/status.h"
#include "core/config/config.h"

namespace pitr::cli {

inline constexpr const char* kConfigVariable = "PG_PITR_CONFIG";
inline constexpr const char* kDefaultConfigPath = "/etc/pg_pitr.conf";

// `given` (from --config), else $PG_PITR_CONFIG, else kDefaultConfigPath; absolute. Whether the file exists is not
// looked at.
std::string ConfigPath(const std::string& given);

// Reads and checks the settings; errors hint at --config.
Result<Config> LoadConfig(const std::string& path);

// The absolute path of this program.
std::string ProgramPath();

}  // namespace pitr::cli
