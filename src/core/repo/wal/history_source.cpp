#include "core/repo/wal/history_source.h"

#include <cerrno>
#include <fstream>
#include <iterator>

#include "core/base/error_text.h"
#include "core/pg/wal_name.h"
#include "core/repo/wal/wal_fetch.h"

namespace pitr {

Result<std::string> LocalHistoryText(const std::string& directory, Timeline timeline) {
  const std::string name = HistoryFileName(timeline), path = directory.empty() ? name : directory + "/" + name;
  std::ifstream file(path, std::ios::binary);
  if (!file.is_open()) return Status(Code::kUnavailable, "opening \"" + path + "\": " + ErrorText(errno));
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (file.bad()) return Status(Code::kUnavailable, "reading \"" + path + "\": " + ErrorText(errno));
  return text;
}

Result<TimelineHistory> LocalHistory(const std::string& directory, Timeline timeline) {
  if (timeline.value == 1) return TimelineHistory::Root(timeline);
  PITR_ASSIGN(const std::string text, LocalHistoryText(directory, timeline));
  return TimelineHistory::Parse(timeline, text);
}

Result<TimelineHistory> StoredHistory(const Repository& repository, Timeline timeline, const OpContext& ctx) {
  PITR_ASSIGN(const Bytes bytes, FetchWalBytes(repository, HistoryFileName(timeline), ctx));
  return TimelineHistory::Parse(timeline, AsText(bytes));
}

Result<TimelineHistory> ServerHistory(const Repository& repository, const std::string& data_directory,
                                      Timeline timeline, const OpContext& ctx) {
  auto own = LocalHistory(data_directory + "/pg_wal", timeline);
  return own.code() == Code::kUnavailable ? StoredHistory(repository, timeline, ctx) : std::move(own);
}

Result<std::optional<TimelineHistory>> HistoryFinder::Read(const std::string& directory, Timeline timeline) const {
  auto history = LocalHistory(directory, timeline);
  if (!history.ok()) history = StoredHistory(repository_, timeline, ctx_);
  if (history.ok()) return std::optional(std::move(history).value());
  if (history.code() == Code::kNotFound || history.code() == Code::kCorruption) return std::optional<TimelineHistory>();
  return std::move(history).status();
}

Result<const TimelineHistory*> HistoryFinder::Find(const std::string& directory, Timeline timeline) {
  auto known = found_.find({directory, timeline});
  if (known == found_.end()) {
    PITR_ASSIGN(auto read, Read(directory, timeline));
    known = found_.emplace(std::pair(directory, timeline), std::move(read)).first;
  }
  return known->second ? &*known->second : nullptr;
}

}  // namespace pitr
