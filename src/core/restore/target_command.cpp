#include "core/restore/target_command.h"

#include "core/pg/timestamp.h"
#include "core/restore/recovery_settings.h"

namespace pitr {

std::string ShellWord(const std::string& text) {
  std::string quoted = QuoteForRestoreCommand(text);
  // That doubles '%', which only restore_command wants.
  for (size_t at = quoted.find("%%"); at != std::string::npos; at = quoted.find("%%", at + 1)) quoted.erase(at, 1);
  return quoted;
}

std::string TargetOptionText(const RecoveryTarget& target) {
  std::string text;
  switch (target.kind) {
    case TargetKind::kLatest:
      text = target.allow_gap ? " --target-latest --allow-gap" : " --target-latest";
      break;
    case TargetKind::kImmediate:
      text = " --target-immediate";
      break;
    case TargetKind::kTime:
      text = " --target-time " + ShellWord(FormatTimestamp(target.time_micros));
      break;
    case TargetKind::kXid:
      text = " --target-xid " + std::to_string(target.xid);
      break;
    case TargetKind::kName:
      text = " --target-name " + ShellWord(target.name);
      break;
    case TargetKind::kLsn:
      text = " --target-lsn " + target.lsn.ToString();
      break;
  }
  if (!target.inclusive) text += " --target-exclusive";
  return text;
}

}  // namespace pitr
