#include "core/restore/restore_state.h"

#include <nlohmann/json.hpp>

#include <charconv>

namespace pitr {
namespace {

constexpr size_t kMaxStateBytes = size_t{64} << 20;

std::set<std::string, std::less<>> Paths(const nlohmann::json& json, const char* name) {
  std::set<std::string, std::less<>> paths;
  if (!json.contains(name) || !json[name].is_array()) return paths;
  for (const auto& path : json[name])
    if (path.is_string()) paths.insert(path.get<std::string>());
  return paths;
}

}  // namespace

Result<std::optional<RestoreState>> ReadRestoreState(const ClusterTree& tree) {
  auto content = tree.ReadWhole(kRestoreStatePath, kMaxStateBytes);
  if (content.code() == Code::kNotFound) return std::optional<RestoreState>();
  if (!content.ok()) return content.status();
  const auto json =
      nlohmann::json::parse(content.value().begin(), content.value().end(), nullptr, /*allow_exceptions=*/false);
  const Status damaged = Status(Code::kCorruption, "\"" + tree.Locate(kRestoreStatePath) + "\" cannot be understood")
                             .WithHint(
                                 "It marks an unfinished restore. Remove it and restore again with --delta --force, if "
                                 "this directory may be "
                                 "overwritten.");
  const auto is_text = [&](const char* name) { return !json.contains(name) || json[name].is_string(); };
  const auto is_flag = [&](const char* name) { return !json.contains(name) || json[name].is_boolean(); };
  const bool typed = json.is_object() && json.contains("label") && is_text("label") && is_text("system_identifier") &&
                     is_text("aside") && is_flag("keep_logs") && is_flag("keep_configuration") &&
                     (!json.contains("started_micros") || json["started_micros"].is_number_integer());
  if (!typed) return damaged;
  RestoreState state;
  state.label = json["label"];
  const std::string id = json.value("system_identifier", std::string());
  std::from_chars(id.data(), id.data() + id.size(), state.system_id.value);
  state.aside = json.value("aside", std::string());
  state.keep_logs = json.value("keep_logs", false);
  state.configuration = json.value("keep_configuration", false) ? Configuration::kKeep : Configuration::kBackup;
  state.logs = Paths(json, "logs");
  state.kept = Paths(json, "kept");
  state.replaced = Paths(json, "replaced");
  state.started_micros = json.value("started_micros", int64_t{0});
  if (json.contains("tablespaces") && json["tablespaces"].is_object()) {
    for (const auto& [oid, directory] : json["tablespaces"].items())
      if (directory.is_string()) state.tablespaces[oid] = directory;
  }
  return std::optional<RestoreState>(std::move(state));
}

Status WriteRestoreState(const ClusterTree& tree, const RestoreState& state) {
  const nlohmann::ordered_json json = {
      {"what", "a restore by pg_pitr is not finished here; run the same command again to continue it"},
      {"label", state.label},
      {"system_identifier", std::to_string(state.system_id.value)},
      {"aside", state.aside},
      {"keep_logs", state.keep_logs},
      {"keep_configuration", state.configuration == Configuration::kKeep},
      {"logs", state.logs},
      {"kept", state.kept},
      {"replaced", state.replaced},
      {"started_micros", state.started_micros},
      {"tablespaces", state.tablespaces}};
  const std::string text = json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  return tree.WriteWhole(kRestoreStatePath, AsBytes(text), 0600);
}

Status RemoveRestoreState(const ClusterTree& tree) {
  PITR_TRY(tree.Unlink(kRestoreStatePath));
  return tree.SyncDirectory("");
}

}  // namespace pitr
