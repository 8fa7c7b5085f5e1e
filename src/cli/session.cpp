#include "cli/session.h"

#include "cli/settings_path.h"
#include "cli/signals.h"
#include "core/repo/opening/open_repository.h"

namespace pitr::cli {

Result<std::unique_ptr<Repository>> OpenRepository(const std::string& config_path, Log& log, const OpContext& ctx) {
  PITR_ASSIGN(const Config config, LoadConfig(config_path, SettingsFor::kReading, log));
  return pitr::OpenRepository(config, log, ctx);
}

Session::Session(const Invocation& invocation) : config_path_(ConfigPath(invocation.config)) {
  ctx_.cancel = &CatchSignals();
}

Result<Config> Session::LoadConfig(SettingsFor what) { return cli::LoadConfig(config_path_, what, log_); }

Result<std::unique_ptr<Repository>> Session::OpenRepository(SettingsFor what) {
  PITR_ASSIGN(const Config config, LoadConfig(what));
  return OpenRepository(config);
}

Result<std::unique_ptr<Repository>> Session::OpenRepository(const Config& config) {
  return pitr::OpenRepository(config, log_, ctx_);
}

}  // namespace pitr::cli
