// Core's log in a server process: threads queue lines, the main thread writes them to the server log.
#pragma once
#include <deque>
#include <mutex>
#include <string>
#include <utility>

#include "core/base/log.h"
#include "server/pg.h"

namespace pitr::server {

// Write() from any thread; Emit() from the main thread only. Holds at most kMaxLines; more are counted, not kept.
class QueuedLog final : public Log {
 public:
  static constexpr size_t kMaxLines = 200;
  void Write(LogLevel level, const std::string& message) override;
  // Writes the queued lines with ereport (DEBUG1, LOG, WARNING). May throw PgError.
  void Emit();

 private:
  std::mutex mutex_;
  std::deque<std::pair<LogLevel, std::string>> lines_;  // protected by mutex_
  uint64_t dropped_ = 0;                                // protected by mutex_
};

// With all its parts, in the server's encoding, to the server log and, from WARNING on, the client. May throw PgError.
// Main thread.
void ReportPlain(int elevel, PlainError report);
void WarnPlain(PlainError warning);
// Of texts of core, which are UTF-8.
void ReportText(int elevel, const std::string& message, const std::string& detail = "", const std::string& hint = "");

}  // namespace pitr::server
