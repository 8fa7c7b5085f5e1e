#include "core/restore/restore_state.h"

#include "core/base/json_page.h"
#include "core/pg/control.h"
#include "core/pg/timestamp.h"
#include "core/repo/envelope/json_fields.h"

namespace pitr {
namespace {

constexpr size_t kMaxStateBytes = size_t{64} << 20;

Status ReadPaths(const JsonFields& fields, const char* name, std::set<std::string, std::less<>>& paths) {
  if (!fields.Has(name)) return Status::Ok();
  std::vector<std::string> listed;
  PITR_TRY(fields.Texts(name, listed));
  paths.insert(listed.begin(), listed.end());
  return Status::Ok();
}

Status DecodeRestoreState(std::string_view text, RestoreState& state) {
  PITR_ASSIGN(const Json document, ParseJsonObject(text, kRestoreStatePath));
  const JsonFields fields(document, std::string(kRestoreStatePath));
  PITR_TRY(fields.Text("label", state.label));
  if (fields.Has("system_identifier")) PITR_TRY(fields.UnsignedText("system_identifier", state.system_id.value));
  PITR_TRY(fields.OptionalText("aside", state.aside));
  PITR_TRY(fields.OptionalBool("keep_logs", state.keep_logs));
  bool keep = false;
  PITR_TRY(fields.OptionalBool("keep_configuration", keep));
  state.configuration = keep ? Configuration::kKeep : Configuration::kBackup;
  PITR_TRY(ReadPaths(fields, "logs", state.logs));
  PITR_TRY(ReadPaths(fields, "kept", state.kept));
  PITR_TRY(ReadPaths(fields, "replaced", state.replaced));
  if (fields.Has("started_micros")) PITR_TRY(fields.Signed("started_micros", state.started_micros));
  if (fields.Has("aside_elsewhere")) PITR_TRY(fields.Texts("aside_elsewhere", state.aside_elsewhere));
  PITR_TRY(fields.OptionalText("control_sha256", state.control_sha256));
  PITR_ASSIGN(const auto tablespaces, fields.OptionalObject("tablespaces"));
  if (tablespaces)
    for (const auto& entry : tablespaces->json().items())
      PITR_TRY(tablespaces->Text(entry.key().c_str(), state.tablespaces[entry.key()]));
  return Status::Ok();
}

}  // namespace

Result<std::optional<RestoreState>> ReadRestoreState(const ClusterTree& tree) {
  auto content = tree.ReadWhole(kRestoreStatePath, kMaxStateBytes);
  if (content.code() == Code::kNotFound) return std::optional<RestoreState>();
  if (!content.ok()) return content.status();
  RestoreState state;
  if (const Status read = DecodeRestoreState(AsText(content.value()), state); !read.ok())
    return Status(Code::kCorruption, "\"" + tree.Locate(kRestoreStatePath) + "\" cannot be understood")
        .WithDetail(read.message() + ".")
        .WithHint(
            "It marks an unfinished restore. Remove it and restore again with --delta --force, if this directory may "
            "be overwritten.");
  return std::optional<RestoreState>(std::move(state));
}

Status CheckRestoreFinished(const ClusterTree& tree) {
  PITR_ASSIGN(const auto state, ReadRestoreState(tree));
  if (!state || tree.Stat(kControlFilePath).code() != Code::kNotFound) return Status::Ok();
  return Status(Code::kConflict, "the restore into \"" + tree.data_directory() + "\" is not finished")
      .WithDetail("It was begun " + FormatToSecond(state->started_micros) + " from backup " + state->label +
                  " and was cut off; the directory is incomplete and cannot be started.")
      .WithHint("Run the same command again: it goes on, and what was set aside stays.");
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
      {"tablespaces", state.tablespaces},
      {"aside_elsewhere", state.aside_elsewhere},
      {"control_sha256", state.control_sha256}};
  const std::string text = JsonPage(json) + "\n";
  return tree.WriteWhole(kRestoreStatePath, AsBytes(text), 0600);
}

Status RemoveRestoreState(const ClusterTree& tree) {
  PITR_TRY(tree.Unlink(kRestoreStatePath));
  return tree.SyncDirectory("");
}

}  // namespace pitr
