// Reads pg_pitr.* settings from a file in postgresql.conf syntax: name = value or name value, quotes, comments,
// include, include_if_exists, include_dir (relative to the file). Other names are ignored, so postgresql.conf itself will do;
// the last setting of a name wins, as in the server.
#pragma once
#include <string>

#include "core/config/config.h"
#include "core/config/settings.h"

namespace pitr {

// kNotFound, kPermission, or kInvalidArgument with file and line. A pg_pitr.* name that does not exist is an error.
Result<Config> LoadSettingsFile(const std::string& path);

}  // namespace pitr
