#include "core/restore/recovery_settings.h"

#include <algorithm>
#include <cctype>

#include "core/pg/timestamp.h"

namespace pitr {
namespace {

constexpr std::string_view kComment = "# Written by pg_pitr restore:";

bool SaysHowToRecover(std::string_view name) {
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  return lower == "restore_command" || lower == "recovery_end_command" || lower == "archive_cleanup_command" ||
         lower.starts_with("recovery_target");
}

// The setting's name on this line; empty for a comment or an empty line.
std::string_view NameOnLine(std::string_view line) {
  size_t begin = line.find_first_not_of(" \t\r\f\v");
  if (begin == std::string_view::npos) return {};
  size_t end = begin;
  while (end < line.size() && (std::isalnum(static_cast<unsigned char>(line[end])) || line[end] == '_' ||
                               line[end] == '.' || line[end] == '$' || static_cast<unsigned char>(line[end]) >= 0x80)) {
    ++end;
  }
  return line.substr(begin, end - begin);
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
  const bool plain = !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) || c == '/' || c == '.' || c == '_' || c == '-' || c == '+' || c == ':' || c == '@' ||
           c == ',';
  });
  if (plain) return std::string(text);
  std::string quoted = "'";
  for (char c : text) {
    if (c == '\'') {
      quoted += "'\\''";
    } else {
      quoted += c;
      if (c == '%') quoted += c;
    }
  }
  return quoted + "'";
}

std::vector<std::pair<std::string, std::string>> RecoverySettingList(const RecoverySettings& settings) {
  std::vector<std::pair<std::string, std::string>> list;
  if (settings.mode == RecoveryMode::kNone) return list;
  list.emplace_back("restore_command", settings.restore_command);
  if (settings.mode == RecoveryMode::kStandby) {
    // Follows every promotion unless it was told which branch to stay on.
    const bool chosen =
        (settings.target.timeline || settings.target.timeline_current) && settings.target_timeline.valid();
    list.emplace_back("recovery_target_timeline", chosen ? std::to_string(settings.target_timeline.value) : "latest");
    return list;
  }
  const RecoveryTarget& target = settings.target;
  switch (target.kind) {
    case TargetKind::kLatest:
      break;
    case TargetKind::kImmediate:
      list.emplace_back("recovery_target", "immediate");
      break;
    // In UTC, whatever time zone the server is set to.
    case TargetKind::kTime:
      list.emplace_back("recovery_target_time", FormatTimestamp(target.time_micros));
      break;
    case TargetKind::kXid:
      list.emplace_back("recovery_target_xid", std::to_string(target.xid));
      break;
    case TargetKind::kName:
      list.emplace_back("recovery_target_name", target.name);
      break;
    case TargetKind::kLsn:
      list.emplace_back("recovery_target_lsn", target.lsn.ToString());
      break;
  }
  const bool has_side =
      target.kind == TargetKind::kTime || target.kind == TargetKind::kXid || target.kind == TargetKind::kLsn;
  if (has_side) list.emplace_back("recovery_target_inclusive", target.inclusive ? "on" : "off");
  if (settings.target_timeline.valid())
    list.emplace_back("recovery_target_timeline", std::to_string(settings.target_timeline.value));
  // The server ends recovery at the end of WAL without an action; one without a target is not refused, but says
  // nothing.
  if (target.kind != TargetKind::kLatest)
    list.emplace_back("recovery_target_action", std::string(TargetActionName(target.action)));
  return list;
}

std::string EditAutoConf(std::string_view existing, const RecoverySettings& settings) {
  std::string edited;
  edited.reserve(existing.size() + 512);
  for (size_t at = 0; at < existing.size();) {
    size_t newline = existing.find('\n', at);
    const size_t next = newline == std::string_view::npos ? existing.size() : newline + 1;
    const std::string_view line = existing.substr(at, next - at);
    if (!SaysHowToRecover(NameOnLine(line)) && !line.starts_with(kComment)) edited += line;
    at = next;
  }
  const auto list = RecoverySettingList(settings);
  if (list.empty()) return edited;
  if (!edited.empty() && edited.back() != '\n') edited += '\n';
  edited += kComment;
  edited += " how to recover. ALTER SYSTEM RESET removes a setting.\n";
  for (const auto& [name, value] : list) {
    auto quoted = QuoteSetting(value);
    // Callers have checked what users write; what cannot be quoted must not become half a line.
    if (quoted.ok()) edited += name + " = " + quoted.value() + "\n";
  }
  return edited;
}

}  // namespace pitr
