// What a restored cluster is told about its recovery: the settings in postgresql.auto.conf and the signal file.
// Pure functions; any thread. Source: "Archive Recovery" and "Recovery Target" of the server's manual, guc-file.l for
// the syntax.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/restore/target.h"

namespace pitr {

struct RecoverySettings {
  RecoveryMode mode = RecoveryMode::kRecover;
  RecoveryTarget target;  // ignored but for kRecover, the choice of a timeline excepted
  // Written as a number, so that the server follows the path that was planned; a standby follows the latest unless the
  // target says otherwise.
  Timeline target_timeline;
  std::string restore_command;
};

inline constexpr std::string_view kAutoConfPath = "postgresql.auto.conf";
inline constexpr std::string_view kRecoverySignal = "recovery.signal";
inline constexpr std::string_view kStandbySignal = "standby.signal";

// Name and value of every setting that `settings` asks for, in the order they are written; empty for kNone.
std::vector<std::pair<std::string, std::string>> RecoverySettingList(const RecoverySettings& settings);

// `existing` without any setting that says how to recover (restore_command, recovery_target*, recovery_end_command,
// archive_cleanup_command), and with those of `settings` at its end below a comment. Everything else is kept byte by
// byte. Applying it again to its own result changes nothing.
std::string EditAutoConf(std::string_view existing, const RecoverySettings& settings);

// A value as postgresql.conf wants it: in single quotes, quotes and backslashes doubled. kInvalidArgument for text
// that the syntax cannot hold (a newline or a NUL).
Result<std::string> QuoteSetting(std::string_view value);

// A word of a shell command that stands for `text`, whatever it contains, and with every % doubled for restore_command.
std::string QuoteForRestoreCommand(std::string_view text);

}  // namespace pitr
