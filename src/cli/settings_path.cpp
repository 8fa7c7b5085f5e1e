#include "cli/settings_path.h"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "core/config/settings_file.h"

namespace pitr::cli {
namespace {

void Warn(const Status& status, Log& log) {
  log.Warning(status.message() + "; it is not needed here and ignored" +
              (status.hint().empty() ? "" : ". " + status.hint()));
}

}  // namespace

std::string ConfigPath(const std::string& given) {
  std::string path = given;
  if (path.empty()) {
    const char* variable = std::getenv(kConfigVariable);
    path = variable != nullptr && *variable != '\0' ? variable : kDefaultConfigPath;
  }
  std::error_code ignored;
  auto absolute = std::filesystem::absolute(path, ignored);
  return absolute.empty() ? path : absolute.lexically_normal().string();
}

Result<Config> LoadConfig(const std::string& path, SettingsFor what, Log& log) {
  if (access(path.c_str(), F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR))
    return Status(Code::kInvalidArgument, "there is no settings file \"" + path + "\"")
        .WithHint(std::string("Give it with --config FILE, or name it in the variable ") + kConfigVariable +
                  ". The server's postgresql.conf will do: of it, and of what it includes, the pg_pitr.* lines are "
                  "read.");
  PITR_ASSIGN(LoadedSettings loaded, LoadSettings(path));
  for (const SettingProblem& problem : loaded.problems) {
    const bool needed = what == SettingsFor::kStoring ? HasEffect(problem.name, loaded.config)
                                                      : IsNeededForReading(problem.name, loaded.config);
    if (needed || what == SettingsFor::kExpiring) return problem.status;
    Warn(problem.status, log);
  }
  const Status valid = ValidateConfig(loaded.config);
  if (valid.ok()) return std::move(loaded.config);
  if (what != SettingsFor::kReading) return valid;
  Config only = OnlyForReading(std::move(loaded.config));
  PITR_TRY(ValidateConfig(only));
  Warn(valid, log);
  return only;
}

std::string ProgramPath() {
  std::error_code error;
  auto path = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? "pg_pitr" : path.string();
}

}  // namespace pitr::cli
