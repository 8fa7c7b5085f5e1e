#include "core/repo/local_history.h"

#include <fstream>
#include <iterator>

#include "core/pg/wal_name.h"
#include "core/repo/layout.h"

namespace pitr {

std::optional<TimelineHistory> LocalHistory(const std::string& directory, Timeline timeline) {
  if (timeline.value == 1) return TimelineHistory::Root(timeline);
  std::ifstream file(directory + "/" + HistoryFileName(timeline), std::ios::binary);
  if (!file.is_open()) return std::nullopt;
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  auto history = TimelineHistory::Parse(timeline, text);
  return history.ok() ? std::optional(std::move(history).value()) : std::nullopt;
}

Result<std::optional<TimelineHistory>> FindHistory(const Repository& repository, const std::string& directory,
                                                   Timeline timeline, const OpContext& ctx) {
  if (auto local = LocalHistory(directory, timeline)) return local;
  const std::string key = layout::WalKey(HistoryFileName(timeline));
  const auto stored = repository.ReadObject(ObjectKind::kWal, key, kMaxHistoryFileSize, ctx);
  if (stored.code() == Code::kNotFound || stored.code() == Code::kCorruption) return std::optional<TimelineHistory>();
  if (!stored.ok()) return stored.status();
  auto history = TimelineHistory::Parse(timeline, AsText(stored.value()));
  return history.ok() ? std::optional(std::move(history).value()) : std::optional<TimelineHistory>();
}

}  // namespace pitr
