#include "core/restore/timeline_fork.h"

#include <algorithm>
#include <sstream>

#include "core/pg/wal_name.h"

namespace pitr {

Result<std::optional<TimelineFork>> NewestFork(const ClusterTree& tree, Timeline after) {
  PITR_ASSIGN(const std::vector<std::string> names, tree.List(kWalDirectory));
  TimelineFork fork;
  fork.timeline = after;
  for (const std::string& name : names) {
    const auto parsed = ParseWalFileName(name, 1U << 20);
    if (parsed && parsed->kind == WalFileKind::kHistory) fork.timeline = std::max(fork.timeline, parsed->timeline);
  }
  if (fork.timeline == after) return std::optional<TimelineFork>();
  const std::string path = std::string(kWalDirectory) + "/" + HistoryFileName(fork.timeline);
  PITR_ASSIGN(const Bytes bytes, tree.ReadWhole(path, kMaxHistoryFileSize));
  std::istringstream text{std::string(AsText(bytes))};
  std::string last;
  for (std::string line; std::getline(text, line);) {
    const size_t begin = line.find_first_not_of(" \t\r");
    if (begin != std::string::npos && line[begin] != '#') last = line.substr(begin);
  }
  PITR_ASSIGN(const TimelineHistory parent, TimelineHistory::Parse(fork.timeline, last));
  if (parent.entries().size() < 2) return Status(Code::kCorruption, "\"" + tree.Locate(path) + "\" names no parent");
  const TimelineEntry& left = parent.entries()[parent.entries().size() - 2];
  fork.parent = left.timeline;
  fork.lsn = left.end;
  fork.reason = left.reason;
  return std::optional<TimelineFork>(std::move(fork));
}

}  // namespace pitr
