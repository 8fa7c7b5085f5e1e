#include "cli/log_stderr.h"

#include <cstdio>

namespace pitr::cli {

void StderrLog::Write(LogLevel level, const std::string& message) {
  if (level < least_) return;
  const char* word = level == LogLevel::kWarning ? "warning" : level == LogLevel::kInfo ? "info" : "debug";
  // One call, so that lines of several threads do not mix.
  const std::string line = std::string("pg_pitr: ") + word + ": " + message + "\n";
  std::fputs(line.c_str(), stderr);
}

}  // namespace pitr::cli
