// What a command works with: the signals that stop it, its log, the settings file and the repository this leads to.
#pragma once
#include <memory>
#include <string>

#include "cli/log_stderr.h"
#include "cli/settings_path.h"
#include "cli/verbs.h"
#include "core/base/op_context.h"
#include "core/config/config.h"
#include "core/repo/opening/open_repository.h"
#include "core/repo/repository.h"

namespace pitr::cli {

// The repository of the settings file at `config_path`. Errors as LoadConfig and OpenRepository, which borrows `log`.
// For reading.
Result<std::unique_ptr<Repository>> OpenRepository(const std::string& config_path, Log& log, const OpContext& ctx);

// One for each run of a command, made by the main thread before any other thread starts; it outlives what it opens.
class Session {
 public:
  // Catches signals; reads nothing yet.
  explicit Session(const Invocation& invocation);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  const OpContext& ctx() const { return ctx_; }
  Log& log() { return log_; }
  const std::string& config_path() const { return config_path_; }
  // For commands that need the settings before the repository; OpenRepository() reads them by itself.
  Result<Config> LoadConfig(SettingsFor what = SettingsFor::kReading);
  Result<std::unique_ptr<Repository>> OpenRepository(SettingsFor what = SettingsFor::kReading);
  Result<std::unique_ptr<Repository>> OpenRepository(const Config& config);

 private:
  const std::string config_path_;
  StderrLog log_;
  OpContext ctx_;
};

}  // namespace pitr::cli
