#include "core/restore/target_command.h"

#include "core/base/shell_word.h"
#include "core/pg/timestamp.h"

namespace pitr {

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
