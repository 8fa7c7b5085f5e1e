// Reads pg_pitr.* settings from a file in postgresql.conf syntax: name = value or name value, quotes, comments,
// include, include_if_exists, include_dir (relative to the file). Other names are ignored, so postgresql.conf itself
// will do; the last setting of a name wins, as in the server. Syntax: utils/misc/guc-file.l.
#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/config/config.h"
#include "core/config/settings.h"

namespace pitr {

inline constexpr int kMaxIncludeDepth = 10;  // as in the server
inline constexpr size_t kMaxSettingsFileBytes = size_t{4} << 20;
inline constexpr int kMaxSettingsFiles = 1000;  // read for one configuration, all includes together

// kInvalidArgument with file and line: a file that is missing or has a syntax error, a value that is not allowed, a
// pg_pitr.* name that does not exist. kPermission when a file may not be read. (Never kNotFound: that is for what is
// looked for in the repository.)
Result<Config> LoadSettingsFile(const std::string& path);

// A line that has no effect: a name that does not exist, or a value that is not allowed.
struct SettingProblem {
  std::string name;  // with the prefix, in lower case
  Status status;     // kInvalidArgument, with file and line
};
struct LoadedSettings {
  Config config;  // what has a problem is at its default
  std::vector<SettingProblem> problems;
};
// For those who can do without a setting that is wrong. Other errors as LoadSettingsFile.
Result<LoadedSettings> LoadSettings(const std::string& path);

// Calls `each` for every assignment in `path` and in what it includes, in order, with the name in lower case; of two of
// the same name the later one counts. Errors as LoadSettingsFile, of syntax and files only, and what `each` returns.
Status VisitSettings(const std::string& path,
                     const std::function<Status(const std::string& name, const std::string& value)>& each);

// One assignment or directive as written.
struct SettingsLine {
  std::string name;   // "pg_pitr.repository", "include", ...; as written
  std::string value;  // without quotes and escapes
  int line = 0;       // from 1
};

// Takes `text` apart. kInvalidArgument naming `file` and the line. Pure function.
Result<std::vector<SettingsLine>> ParseSettingsText(std::string_view text, const std::string& file);

}  // namespace pitr
