// A log that keeps what it is given, for tests that ask what was reported. Safe from several threads.
#pragma once
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "core/base/log.h"

namespace pitr::test {

class MemoryLog final : public Log {
 public:
  void Write(LogLevel level, const std::string& message) override {
    std::lock_guard lock(mutex_);
    lines_.emplace_back(level, message);
  }
  int Count(LogLevel level) const {
    std::lock_guard lock(mutex_);
    int n = 0;
    for (const auto& line : lines_) n += line.first == level ? 1 : 0;
    return n;
  }
  // The last line of that level, or "".
  std::string Last(LogLevel level) const {
    std::lock_guard lock(mutex_);
    for (auto line = lines_.rbegin(); line != lines_.rend(); ++line)
      if (line->first == level) return line->second;
    return "";
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::pair<LogLevel, std::string>> lines_;  // protected by mutex_
};

}  // namespace pitr::test
