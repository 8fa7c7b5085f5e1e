#include "cli/log_stderr.h"

#include "cli/print.h"

namespace pitr::cli {

void StderrLog::Write(LogLevel level, const std::string& message) {
  if (level < least_) return;
  const char* word = level == LogLevel::kWarning ? "warning" : level == LogLevel::kInfo ? "info" : "debug";
  const std::string head = std::string(word) + ":";
  PrintToStderr("pg_pitr: " + (level == LogLevel::kWarning ? InTone(head, Tone::kWarning) : head) + " " + message +
                "\n");
}

}  // namespace pitr::cli
