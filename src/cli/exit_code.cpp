#include "cli/exit_code.h"

#include "cli/print.h"
#include "cli/signals.h"

namespace pitr::cli {

void PrintError(const Status& status) {
  std::string text = "pg_pitr: " + InTone("error:", Tone::kError) + " " + status.message() + "\n";
  if (!status.detail().empty()) text += "DETAIL:  " + status.detail() + "\n";
  if (!status.hint().empty()) text += "HINT:  " + status.hint() + "\n";
  PrintToStderr(text);
}

int ExitOf(const Status& status) {
  if (status.ok()) return kExitOk;
  PrintError(status);
  if (status.code() == Code::kCancelled) return kExitCancelled;
  return status.code() == Code::kInvalidArgument ? kExitUsage : kExitFailed;
}

int WalGetExitCode(const Status& status) {
  switch (status.code()) {
    case Code::kOk:
      return kExitOk;
    case Code::kNotFound:
      return kWalGetAbsent;
    case Code::kUnavailable:
      return kWalGetUnavailable;
    case Code::kCorruption:
      return kWalGetCorrupt;
    case Code::kPermission:
      return kWalGetPermission;
    case Code::kInvalidArgument:
      return kWalGetConfiguration;
    case Code::kConflict:
    case Code::kAlreadyExists:
      return kWalGetConflict;
    case Code::kCancelled:
      return kWalGetSignalBase + CaughtSignal();
    case Code::kInternal:
      return kWalGetInternal;
  }
  return kWalGetInternal;
}

}  // namespace pitr::cli
