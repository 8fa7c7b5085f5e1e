// Where core reports what happened; the server turns it into ereport(), the binary into stderr lines.
// Implementations must accept calls from any thread. Never pass a secret.
#pragma once
#include <string>

namespace pitr {

enum class LogLevel { kDebug, kInfo, kWarning };

class Log {
 public:
  virtual ~Log() = default;
  virtual void Write(LogLevel level, const std::string& message) = 0;
  void Debug(const std::string& message) { Write(LogLevel::kDebug, message); }
  void Info(const std::string& message) { Write(LogLevel::kInfo, message); }
  void Warning(const std::string& message) { Write(LogLevel::kWarning, message); }
};

// Discards everything. Never destroyed.
Log& NullLog();

}  // namespace pitr
