// Core's log as lines on stderr: warnings always, the rest only when asked for. Any thread.
#pragma once
#include "core/base/log.h"

namespace pitr::cli {

class StderrLog final : public Log {
 public:
  explicit StderrLog(LogLevel least = LogLevel::kWarning) : least_(least) {}
  void Write(LogLevel level, const std::string& message) override;

 private:
  const LogLevel least_;
};

}  // namespace pitr::cli
