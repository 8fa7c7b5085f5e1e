// Threads queue, the main thread reports: the only way a line of core reaches the server log.
#include "server/log_pg.h"

#include "server/encoding.h"
#include "server/pg.h"

namespace pitr::server {

void QueuedLog::Write(LogLevel level, const std::string& message) {
  std::lock_guard lock(mutex_);
  if (lines_.size() >= kMaxLines) {
    dropped_++;
    return;
  }
  lines_.emplace_back(level, message);
}

void QueuedLog::Emit() {
  std::deque<std::pair<LogLevel, std::string>> lines;
  uint64_t dropped = 0;
  {
    std::lock_guard lock(mutex_);
    lines.swap(lines_);
    std::swap(dropped, dropped_);
  }
  for (const auto& [level, text] : lines) {
    const int elevel = level == LogLevel::kDebug ? DEBUG1 : level == LogLevel::kInfo ? LOG : WARNING;
    const std::string converted = ToServerEncoding(text);
    const char* message = converted.c_str();
    PgCall([elevel, message] { ereport(elevel, (errmsg("pg_pitr: %s", message))); });
  }
  if (dropped > 0) {
    PgCall([dropped] { ereport(LOG, (errmsg("pg_pitr: " UINT64_FORMAT " more log lines were dropped", dropped))); });
  }
}

void ReportPlain(int elevel, PlainError report) {
  ToServerEncoding(report);
  const PlainError* plain = &report;
  PgCall([plain, elevel] {
    ereport(elevel,
            (errcode(plain->sqlstate), errmsg("%s", plain->message),
             plain->detail[0] ? errdetail("%s", plain->detail) : 0, plain->hint[0] ? errhint("%s", plain->hint) : 0));
  });
}

void WarnPlain(PlainError warning) { ReportPlain(WARNING, std::move(warning)); }

void ReportText(int elevel, const std::string& message, const std::string& detail, const std::string& hint) {
  PlainError report;
  report.Set(elevel >= WARNING ? ERRCODE_WARNING : ERRCODE_SUCCESSFUL_COMPLETION, message.c_str(), detail.c_str(),
             hint.c_str());
  ReportPlain(elevel, std::move(report));
}

}  // namespace pitr::server
