#include "core/restore/recovery_limits.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "core/base/letter_case.h"
#include "core/config/settings_file.h"
#include "core/restore/auto_conf.h"

namespace pitr {
namespace {

constexpr std::string_view kConfPath = "postgresql.conf";
// What a server has without any setting; 19 doubled the locks.
constexpr RecoveryLimits Defaults(int pg_major) {
  return {.max_connections = 100,
          .max_worker_processes = 8,
          .max_wal_senders = 10,
          .max_prepared_transactions = 0,
          .max_locks_per_transaction = pg_major >= 19 ? 128 : 64};
}

// 0 for what is no number: then the needed value is written, which the server can use in any case.
int32_t NumberOf(const std::string& value) {
  int32_t number = 0;
  std::from_chars(value.data(), value.data() + value.size(), number);
  return number;
}

// As the server reads a boolean: any beginning of these words that is no other's. nullopt for what it would refuse.
std::optional<bool> BooleanOf(std::string_view given) {
  const std::string value = LowerCase(given);
  const auto begins = [&](std::string_view word) { return !value.empty() && word.starts_with(value); };
  if (value == "0" || value == "of" || value == "off" || begins("false") || begins("no")) return false;
  if (value == "1" || value == "on" || begins("true") || begins("yes")) return true;
  return std::nullopt;
}

std::optional<bool> BooleanIn(const OwnConfiguration& configured, const std::string& name) {
  const auto own = configured.values.find(name);
  return own == configured.values.end() ? std::nullopt : BooleanOf(own->second);
}

bool IsMinimal(const OwnConfiguration& configured) {
  const auto level = configured.values.find("wal_level");
  return level != configured.values.end() && LowerCase(level->second) == "minimal";
}

}  // namespace

OwnConfiguration ReadOwnConfiguration(const ClusterTree& tree, const std::string& outside) {
  OwnConfiguration own;
  const auto note = [&](const std::string& name, const std::string& value) {
    own.values[name] = value;
    return Status::Ok();
  };
  const bool inside = tree.Stat(kConfPath).code() != Code::kNotFound;
  own.whole = VisitSettings(inside ? tree.data_directory() + "/" + std::string(kConfPath) : outside, note).ok();
  ReadAutoConf(tree, own.values);
  return own;
}

std::vector<std::pair<std::string, std::string>> NeededSettings(const RecoveryLimits& needed,
                                                                const OwnConfiguration& configured, int pg_major) {
  std::vector<std::pair<std::string, std::string>> settings;
  const auto defaults = NamedLimits(Defaults(pg_major));
  size_t at = 0;
  for (const auto& [name, value] : NamedLimits(needed)) {
    const int32_t without = configured.whole ? defaults[at].second : 0;
    ++at;
    const auto own = configured.values.find(std::string(name));
    const int32_t has = own == configured.values.end() ? without : NumberOf(own->second);
    if (has >= value) continue;
    settings.emplace_back(name, std::to_string(value));
    // Without it the server does not start with any max_wal_senders but 0.
    if (name == "max_wal_senders" && IsMinimal(configured)) settings.emplace_back("wal_level", "replica");
  }
  return settings;
}

void AllowInPlaceTablespaces(const OwnConfiguration& configured, RecoverySettings& settings,
                             std::vector<std::string>* notes) {
  if (BooleanIn(configured, "allow_in_place_tablespaces") == true) return;
  if (settings.mode == RecoveryMode::kNone) {
    notes->push_back(
        "Recovery needs allow_in_place_tablespaces = on, because there are tablespaces inside the data directory: set "
        "it before the server is started.");
    return;
  }
  settings.needed.emplace_back("allow_in_place_tablespaces", "on");
  notes->push_back(std::string(kAutoConfPath) +
                   " has allow_in_place_tablespaces = on until recovery has ended: there are tablespaces inside the "
                   "data directory, and recovery refuses them without it.");
}

bool IsHotStandbyOff(const OwnConfiguration& configured) { return BooleanIn(configured, "hot_standby") == false; }

void AddSettingNotes(const RecoverySettings& settings, const OwnConfiguration& configured,
                     std::vector<std::string>* notes) {
  std::string needed;
  for (const auto& [name, value] : settings.needed) needed += (needed.empty() ? "" : ", ") + name + " = " + value;
  if (settings.mode == RecoveryMode::kNone) {
    if (!needed.empty())
      notes->push_back("Recovery needs at least " + needed +
                       ", as the server had it at some time up to the target: set it before the server is started.");
    return;
  }
  if (!needed.empty())
    notes->push_back(std::string(kAutoConfPath) + " has " + needed +
                     " until recovery has ended: the server had so much at some time up to the target, and recovery "
                     "ends with an error when it has less. " +
                     (configured.whole
                          ? "The restored configuration has less."
                          : "The server's configuration is not on this machine or could not be read; this overrides "
                            "it.") +
                     (needed.find("max_prepared_transactions") == std::string::npos
                          ? ""
                          : " max_prepared_transactions stays longer, if transactions are prepared then."));
  if (IsHotStandbyOff(configured) && settings.mode == RecoveryMode::kRecover &&
      settings.target.kind != TargetKind::kLatest && settings.target.action == TargetAction::kPause)
    notes->push_back(
        "hot_standby is off in the restored configuration: at the target the server will not pause but shut down. To "
        "look at it read-only, start it with hot_standby = on.");
}

}  // namespace pitr
