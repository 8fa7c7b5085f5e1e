#include "cli/log_stderr.h"

#include "cli/print.h"

namespace pitr::cli {

void StderrLog::Write(LogLevel level, const std::string& message) {
  if (level < least_) return;
  const char* word = level == LogLevel::kWarning ? "warning" : level == LogLevel::kInfo ? "info" : "debug";
  PrintToStderr(std::string("pg_pitr: ") + word + ": " + message + "\n");
}

}  // namespace pitr::cli
