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
    ReportText(elevel, "pg_pitr: " + text);
  }
  if (dropped > 0) {
    PgCall([dropped] { ereport(LOG, (errmsg("pg_pitr: " UINT64_FORMAT " more log lines were dropped", dropped))); });
  }
}

void ReportText(int elevel, const std::string& message, const std::string& detail, const std::string& hint,
                int sqlstate) {
  const std::string texts[] = {ToServerEncoding(message), ToServerEncoding(detail), ToServerEncoding(hint)};
  const char *what = texts[0].c_str(), *more = texts[1].c_str(), *advice = texts[2].c_str();
  PgCall([=] {
    ereport(elevel, (sqlstate != 0 ? errcode(sqlstate) : 0, errmsg("%s", what), more[0] ? errdetail("%s", more) : 0,
                     advice[0] ? errhint("%s", advice) : 0));
  });
}

std::string SentencesOf(const std::string& message, const std::string& detail, const std::string& hint) {
  std::string text = message + ".";
  for (const std::string& more : {detail, hint})
    if (!more.empty()) text += " " + more;
  return text;
}

void WarnPlain(const PlainError& warning) {
  ReportText(WARNING, warning.message, warning.detail, warning.hint, warning.sqlstate);
}

}  // namespace pitr::server
