#include "cli/settings_path.h"

#include <cstdlib>
#include <filesystem>

#include "core/config/settings_file.h"

namespace pitr::cli {

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

Result<Config> LoadConfig(const std::string& path) {
  auto config = LoadSettingsFile(path);
  if (!config.ok()) {
    Status status = std::move(config).status();
    if (status.code() == Code::kNotFound)
      return Status(Code::kInvalidArgument, status.message())
          .WithHint(std::string("Give the settings file with --config, or name it in $") + kConfigVariable +
                    ". It holds the pg_pitr.* lines of postgresql.conf; the server's own postgresql.conf will do.");
    return status;
  }
  PITR_TRY(ValidateConfig(config.value()));
  return config;
}

std::string ProgramPath() {
  std::error_code error;
  auto path = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? "pg_pitr" : path.string();
}

}  // namespace pitr::cli
