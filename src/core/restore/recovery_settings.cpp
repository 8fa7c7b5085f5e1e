#include "core/restore/recovery_settings.h"

#include <algorithm>
#include <map>
#include <set>

#include "core/base/ascii.h"
#include "core/base/letter_case.h"
#include "core/base/shell_word.h"
#include "core/config/settings_file.h"
#include "core/pg/recovery_setting.h"
#include "core/pg/timestamp.h"

namespace pitr {
namespace {

constexpr std::string_view kComment = "# Written by pg_pitr restore:";

constexpr std::string_view kEndVerb = " recovery-end || true";
constexpr size_t kMaxClusterName = 63;  // NAMEDATALEN - 1

// The setting's name on this line; empty for a comment or an empty line.
std::string_view NameOnLine(std::string_view line) {
  size_t begin = line.find_first_not_of(" \t\r\f\v");
  if (begin == std::string_view::npos) return {};
  size_t end = begin;
  while (end < line.size() && (IsLetterOrDigit(line[end]) || line[end] == '_' || line[end] == '.' || line[end] == '$' ||
                               static_cast<unsigned char>(line[end]) >= 0x80)) {
    ++end;
  }
  return line.substr(begin, end - begin);
}

// Calls `each` with every line of `text`, its end included.
template <class Each>
void EachLine(std::string_view text, const Each& each) {
  for (size_t at = 0; at < text.size();) {
    const size_t newline = text.find('\n', at);
    const size_t next = newline == std::string_view::npos ? text.size() : newline + 1;
    each(text.substr(at, next - at));
    at = next;
  }
}

// The value that this line gives to its setting; nullopt when it does not parse.
std::optional<std::string> ValueOnLine(std::string_view line) {
  auto parsed = ParseSettingsText(line, "");
  if (!parsed.ok() || parsed.value().size() != 1) return std::nullopt;
  return parsed.value().front().value;
}

// Name and value of the one target that counts; an empty name for the end of the archive.
std::pair<std::string, std::string> ChosenTarget(const RecoveryTarget& target) {
  switch (target.kind) {
    case TargetKind::kLatest:
      return {};
    case TargetKind::kImmediate:
      return {"recovery_target", "immediate"};
    // In UTC, whatever time zone the server is set to.
    case TargetKind::kTime:
      return {"recovery_target_time", FormatTimestamp(target.time_micros)};
    case TargetKind::kXid:
      return {"recovery_target_xid", std::to_string(target.xid)};
    case TargetKind::kName:
      return {"recovery_target_name", target.name};
    case TargetKind::kLsn:
      return {"recovery_target_lsn", target.lsn.ToString()};
  }
  return {};
}

// A recovery_end_command that no restore wrote: ours below it calls it, and it counts again when ours has gone.
bool IsOwnEndCommand(std::string_view line) {
  if (LowerCase(NameOnLine(line)) != "recovery_end_command") return false;
  const auto value = ValueOnLine(line);
  return value && value->find(kEndVerb) == std::string::npos;
}

// What a restore writes against a standby's settings, PostgreSQL's own defaults: of an earlier one, or worth nothing.
bool IsNeutral(std::string_view line) {
  const std::string name = LowerCase(NameOnLine(line));
  if (name != "recovery_min_apply_delay" && name != "promote_trigger_file") return false;
  const auto value = ValueOnLine(line);
  return value && *value == (name == "promote_trigger_file" ? "" : "0");
}

}  // namespace

Result<std::string> QuoteSetting(std::string_view value) {
  std::string quoted = "'";
  for (char c : value) {
    if (c == '\n' || c == '\r' || c == '\0')
      return Status(Code::kInvalidArgument, "a recovery setting cannot contain a line break")
          .WithDetail("The value is \"" + std::string(value.substr(0, value.find_first_of("\r\n"))) + "...\".");
    if (c == '\'' || c == '\\') quoted += c;
    quoted += c;
  }
  return quoted + "'";
}

std::string QuoteForRestoreCommand(std::string_view text) {
  std::string quoted;
  for (const char c : ShellWord(text)) quoted += c == '%' ? std::string("%%") : std::string(1, c);
  return quoted;
}

std::string RecoveryEndCommand(const std::string& program, std::string_view own) {
  // An earlier restore's, with what it kept of the user's.
  if (const size_t ours = own.find(kEndVerb); ours != std::string_view::npos) {
    own.remove_prefix(ours + kEndVerb.size());
    if (own.starts_with("; ")) own.remove_prefix(2);
  }
  if (program.empty()) return std::string(own);
  std::string command = program + std::string(kEndVerb);
  if (!own.empty()) command += "; " + std::string(own);
  return command;
}

std::vector<std::pair<std::string, std::string>> CopySettings(std::string_view original) {
  std::string name = "copy";
  if (!original.empty()) name += " of " + std::string(original);
  if (name.size() > kMaxClusterName) name.resize(kMaxClusterName);
  return {
      {"archive_mode", "off"},
      {"cluster_name", name},
      {"primary_conninfo", ""},
      {"primary_slot_name", ""},
      {"synchronous_standby_names", ""},         // the first commit would wait for ever
      {"max_logical_replication_workers", "0"},  // subscriptions would take over production's
      {"cron.launch_active_jobs", "off"},        // pg_cron's jobs would run twice
      {"external_pid_file", "pg_pitr.pid"},      // production's, overwritten at the start and removed at the end
  };
}

std::vector<RecoverySetting> RecoverySettingList(const RecoverySettings& settings, std::string_view existing) {
  std::vector<RecoverySetting> list;
  if (settings.mode == RecoveryMode::kNone) return list;
  const auto add = [&](std::string_view name, std::string value, bool stays = false) {
    list.push_back({std::string(name), std::move(value), stays});
  };
  // What is set so already is somebody else's and stays.
  for (const auto& [name, value] : settings.copy)
    if (value.empty() || SettingIn(existing, name) != value) add(name, value, true);
  for (const auto& [name, value] : settings.needed)
    if (SettingIn(existing, name) != value) add(name, value);
  add("restore_command", settings.restore_command);
  add("archive_cleanup_command", "");
  add("recovery_end_command", settings.recovery_end_command);
  const RecoveryTarget& target = settings.target;
  const bool standby = settings.mode == RecoveryMode::kStandby;
  // Of a standby that was to lag behind, or to be promoted by a file: a recovery would wait without a word, or open at
  // once.
  if (!standby) add("recovery_min_apply_delay", "0");
  if (!standby && settings.pg_major == 15) add("promote_trigger_file", "");  // 16 knows none
  // A standby follows every promotion unless it was told which branch to stay on.
  const bool numbered =
      settings.target_timeline.valid() && (!standby || settings.target.timeline || settings.target.timeline_current);
  add("recovery_target_timeline", numbered ? std::to_string(settings.target_timeline.value) : "latest");
  const auto chosen = standby ? std::pair<std::string, std::string>() : ChosenTarget(target);
  for (const std::string_view name : {"recovery_target", "recovery_target_lsn", "recovery_target_name",
                                      "recovery_target_time", "recovery_target_xid"})
    if (name != chosen.first) add(name, "");
  add("recovery_target_inclusive", target.inclusive || standby ? "on" : "off");
  add("recovery_target_action", std::string(TargetActionName(standby ? TargetAction::kPromote : target.action)));
  if (!chosen.first.empty()) add(chosen.first, chosen.second);
  return list;
}

std::string EditAutoConf(std::string_view existing, const RecoverySettings& settings) {
  const auto list = RecoverySettingList(settings, existing);
  std::string edited;
  edited.reserve(existing.size() + 1024);
  EachLine(existing, [&](std::string_view line) {
    if (line.starts_with(kComment) || (SaysHowToRecover(NameOnLine(line)) && !IsOwnEndCommand(line))) return;
    if (!list.empty() && IsNeutral(line)) return;
    edited += line;
  });
  if (list.empty()) return edited;
  if (!edited.empty() && edited.back() != '\n') edited += '\n';
  edited += kComment;
  edited += " how to recover. Goes when recovery has ended.\n";
  for (const RecoverySetting& setting : list) {
    auto quoted = QuoteSetting(setting.value);
    // Callers have checked what users write; what cannot be quoted must not become half a line.
    if (quoted.ok()) edited += setting.name + " = " + quoted.value() + "\n";
  }
  return edited;
}

std::string RemoveSettings(std::string_view existing, const std::vector<RecoverySetting>& written) {
  std::map<std::string, size_t> last;  // name -> where its last line begins
  EachLine(existing, [&](std::string_view line) {
    if (const std::string_view name = NameOnLine(line); !name.empty())
      last[LowerCase(name)] = static_cast<size_t>(line.data() - existing.data());
  });
  std::set<size_t> going;
  for (const RecoverySetting& setting : written) {
    const auto found = last.find(setting.name);
    if (found == last.end()) continue;
    const std::string_view rest = existing.substr(found->second);
    if (ValueOnLine(rest.substr(0, rest.find('\n'))) == setting.value) going.insert(found->second);
  }
  std::string edited;
  EachLine(existing, [&](std::string_view line) {
    if (!line.starts_with(kComment) && !going.contains(static_cast<size_t>(line.data() - existing.data())))
      edited += line;
  });
  return edited;
}

std::string SettingIn(std::string_view text, std::string_view name) {
  std::string value;
  auto lines = ParseSettingsText(text, "");
  if (!lines.ok()) return value;
  for (const SettingsLine& line : lines.value())
    if (LowerCase(line.name) == name) value = line.value;
  return value;
}

}  // namespace pitr
