#include "core/backup/data/kept_settings.h"

#include <algorithm>
#include <string_view>

#include "core/pg/recovery_setting.h"

namespace pitr {
namespace {

bool SaysWhereFilesAre(std::string_view name) {
  for (const std::string_view place : {"config_file", "data_directory", "external_pid_file", "hba_file", "ident_file"})
    if (name == place) return true;
  return false;
}

bool MayBeSecret(const FoundSetting& setting) {
  if (setting.type != "string") return false;
  const std::string_view name = setting.name;
  // Ours name files that hold secrets; a proxy's address may have a password in it.
  if (name.starts_with("pg_pitr.")) return name == "pg_pitr.proxy";
  for (const std::string_view part : {"conninfo", "command", "passw", "passphrase", "secret", "token", "credential"})
    if (name.find(part) != name.npos) return true;
  return name.find('.') != name.npos && !name.starts_with("cron.");
}

}  // namespace

std::vector<ServerSetting> KeptSettings(const std::vector<FoundSetting>& found) {
  std::vector<ServerSetting> kept;
  for (const FoundSetting& setting : found) {
    if (SaysWhereFilesAre(setting.name) || SaysHowToRecover(setting.name)) continue;
    ServerSetting& one = kept.emplace_back();
    one.name = setting.name;
    if (!MayBeSecret(setting)) one.value = setting.value;
  }
  std::sort(kept.begin(), kept.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return kept;
}

}  // namespace pitr
