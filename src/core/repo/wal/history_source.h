// Where the history of a timeline is read: from a directory of WAL, whose server wrote what lies there, or from the
// archive, which may have another one of the same number.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "core/pg/history.h"
#include "core/repo/repository.h"

namespace pitr {

// The text of the history file in a directory of WAL ("": the current one). kUnavailable when there is none or it
// cannot be read.
Result<std::string> LocalHistoryText(const std::string& directory, Timeline timeline);
// The root's for timeline 1. kUnavailable when there is no history file in `directory` or it cannot be read; as
// TimelineHistory::Parse.
Result<TimelineHistory> LocalHistory(const std::string& directory, Timeline timeline);

// As FetchWalFile and TimelineHistory::Parse.
Result<TimelineHistory> StoredHistory(const Repository& repository, Timeline timeline, const OpContext& ctx);

// Of the timeline that the server of `data_directory` writes: its own file comes first, because right after a promotion
// it may not be archived yet.
Result<TimelineHistory> ServerHistory(const Repository& repository, const std::string& data_directory,
                                      Timeline timeline, const OpContext& ctx);

// Of many files in a few directories; each history is read once. One thread.
class HistoryFinder {
 public:
  // Both are borrowed.
  HistoryFinder(const Repository& repository, const OpContext& ctx) : repository_(repository), ctx_(ctx) {}
  // As the directory has it, else as the archive has; nullptr when neither has one that can be read. Valid as long as
  // the finder. Errors of the store.
  Result<const TimelineHistory*> Find(const std::string& directory, Timeline timeline);

 private:
  Result<std::optional<TimelineHistory>> Read(const std::string& directory, Timeline timeline) const;

  const Repository& repository_;
  const OpContext& ctx_;
  std::map<std::pair<std::string, Timeline>, std::optional<TimelineHistory>> found_;
};

}  // namespace pitr
