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

// Texts of core, which are UTF-8, whole, to the server log and, from NOTICE on, the client. `sqlstate` 0: the level's
// own. May throw PgError. Main thread.
void ReportText(int elevel, const std::string& message, const std::string& detail = "", const std::string& hint = "",
                int sqlstate = 0);
// The parts of an error as one text, for where there is a place for one only: "message. Detail. Hint."
std::string SentencesOf(const std::string& message, const std::string& detail, const std::string& hint);
// A WARNING with all its parts.
void WarnPlain(const PlainError& warning);

}  // namespace pitr::server
