// What a restored cluster is told about its recovery: the settings in postgresql.auto.conf and the signal file.
// Pure functions; any thread. Source: "Archive Recovery" and "Recovery Target" of the server's manual, guc-file.l for
// the syntax. docs/design/009-restored-servers.md says why each is written and when it goes.
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
  int pg_major = 0;
  std::string restore_command;
  std::string recovery_end_command;
  // What replay needs at least as large as it was (max_connections, ...): name and value. Goes after recovery; an
  // earlier line of the same name then counts again.
  std::vector<std::pair<std::string, std::string>> needed;
  std::vector<std::pair<std::string, std::string>> copy;  // of a copy beside production; these stay
};

inline constexpr std::string_view kAutoConfPath = "postgresql.auto.conf";
inline constexpr size_t kMaxAutoConfBytes = size_t{8} << 20;  // a longer one is no settings file
inline constexpr std::string_view kRecoverySignal = "recovery.signal";
inline constexpr std::string_view kStandbySignal = "standby.signal";

struct RecoverySetting {
  std::string name;
  std::string value;
  bool stays = false;  // after recovery has ended
};

// Every setting that `settings` asks for, in the order they are written: all that say how to recover, those not meant
// as empty, because postgresql.conf or a file that it includes may set them; the chosen target last, because PostgreSQL
// refuses an empty target that comes after one that is set. Empty for kNone. Of `needed` and `copy` not what
// `existing`, the text of postgresql.auto.conf, says already.
std::vector<RecoverySetting> RecoverySettingList(const RecoverySettings& settings, std::string_view existing = {});

// What a copy beside production must not do: archive, call itself the original, replicate, subscribe, run jobs, and
// write its number into a file that production's service manager reads. For RecoverySettings::copy. `original`: what
// the cluster is called; may be empty.
std::vector<std::pair<std::string, std::string>> CopySettings(std::string_view original);

// `existing` without any setting that says how to recover (restore_command, recovery_target*, archive_cleanup_command,
// a restore's recovery_end_command), and with those of `settings` at its end below a comment. Everything else is kept
// byte by byte.
std::string EditAutoConf(std::string_view existing, const RecoverySettings& settings);

// `existing` without the lines that set a name of `written` to just this value and that are the last of their name:
// what was changed since is somebody else's.
std::string RemoveSettings(std::string_view existing, const std::vector<RecoverySetting>& written);

// The last value of `name` in text of postgresql.conf syntax; "" when it is not set or the text does not parse.
std::string SettingIn(std::string_view text, std::string_view name);

// A value as postgresql.conf wants it: in single quotes, quotes and backslashes doubled. kInvalidArgument for text
// that the syntax cannot hold (a newline or a NUL).
Result<std::string> QuoteSetting(std::string_view value);

// A word of a shell command that stands for `text`, whatever it contains, and with every % doubled for restore_command.
std::string QuoteForRestoreCommand(std::string_view text);

// recovery_end_command of a restore: `program`, a word of a shell command, removes the restore's settings and never
// fails (PostgreSQL ends the server for some failures); then what the user wants done, `own`, when that is not empty.
// `own` may be the result of an earlier call.
std::string RecoveryEndCommand(const std::string& program, std::string_view own);

}  // namespace pitr
