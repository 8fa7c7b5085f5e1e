// WAL summaries as a record of changed blocks: which files cover a range, and reading them. They are the server's: one
// may vanish at any time, and then nothing is known. One thread.
#include <algorithm>
#include <filesystem>

#include "core/backup/changes/wal_since_parent.h"
#include "core/pg/wal_page.h"
#include "core/pg/wal_summary.h"

namespace pitr {
namespace {

constexpr size_t kMaxSummaryBytes = size_t{1} << 30;
constexpr int64_t kPollMs = 100;

std::vector<WalSummaryName> ListSummaries(const std::string& directory) {
  std::vector<WalSummaryName> summaries;
  std::error_code error;
  for (std::filesystem::directory_iterator it(directory, error), end; !error && it != end; it.increment(error))
    if (auto name = ParseWalSummaryName(it->path().filename().string())) summaries.push_back(*name);
  return summaries;
}

struct Cover {
  std::vector<WalSummaryName> files;  // empty: they do not cover the range
  Lsn missing_from;
  Timeline missing_on;
  // Nothing is missing but what the summarizer has not come to yet.
  bool only_the_end = false;
};

// Where the first record of a timeline can be that begins at `begin`: behind the page's header when it begins with a
// page, as after a promotion at the end of a segment. The server's first summary may begin there. (No record ends
// between the two lengths of headers, so that segments are taken to be as small as they can be.)
Lsn FirstRecordFrom(Lsn begin) {
  constexpr uint64_t kSmallestSegment = uint64_t{1} << 20;
  if (begin.value % kWalPageSize != 0) return begin;
  return {begin.value + (begin.value % kSmallestSegment == 0 ? kLongWalPageHeaderSize : kShortWalPageHeaderSize)};
}

Cover FindCover(const std::string& directory, const WalSinceParent& range) {
  const std::vector<WalSummaryName> summaries = ListSummaries(directory);
  Cover cover;
  for (const TimelineEntry& entry : range.history.entries()) {
    const Lsn from = std::max(FirstRecordFrom(entry.begin), range.from);
    const Lsn to = entry.end.valid() ? std::min(entry.end, range.to) : range.to;
    if (from >= to) continue;
    const auto files = CoverWithSummaries(summaries, entry.timeline, from, to, &cover.missing_from);
    if (files.empty()) {
      const bool later = std::any_of(summaries.begin(), summaries.end(), [&](const WalSummaryName& name) {
        return name.timeline >= entry.timeline && name.start >= cover.missing_from;
      });
      cover.only_the_end = !later;
      cover.missing_on = entry.timeline;
      cover.files.clear();
      return cover;
    }
    cover.files.insert(cover.files.end(), files.begin(), files.end());
  }
  return cover;
}

}  // namespace

Result<ChangeKnowledge> CollectSummarizedChanges(const std::string& data_directory, const WalSinceParent& range,
                                                 int64_t patience_ms, const OpContext& ctx) {
  if (range.from >= range.to) return ChangeKnowledge{BlockChanges(), {}};
  const std::string directory = data_directory + "/pg_wal/summaries";
  Cover cover = FindCover(directory, range);
  int64_t progressed = ctx.clock->SteadyMillis();
  while (cover.files.empty() && cover.only_the_end && ctx.clock->SteadyMillis() - progressed < patience_ms) {
    PITR_TRY(ctx.Check());
    ctx.clock->SleepMillis(kPollMs);
    const Lsn before = cover.missing_from;
    cover = FindCover(directory, range);
    if (cover.missing_from != before) progressed = ctx.clock->SteadyMillis();
  }
  if (cover.files.empty()) {
    std::string why = "there is no WAL summary of timeline " + std::to_string(cover.missing_on.value) + " from " +
                      cover.missing_from.ToString() + " on";
    if (cover.only_the_end && patience_ms > 0)
      why += ", and the server's summarizer made none within " + std::to_string(patience_ms / 1000) + " s";
    return ChangeKnowledge{std::nullopt, std::move(why)};
  }
  BlockChanges changes;
  for (const WalSummaryName& name : cover.files) {
    PITR_TRY(ctx.Check());
    const std::string file = WalSummaryFileName(name);
    auto bytes = ReadClusterFile(directory + "/" + file, kMaxSummaryBytes);
    if (!bytes.ok()) return ChangeKnowledge{std::nullopt, bytes.status().message()};
    if (!AddWalSummary(bytes.value(), &changes).ok())
      return ChangeKnowledge{std::nullopt, "WAL summary \"" + file + "\" is damaged"};
  }
  return ChangeKnowledge{std::move(changes), {}};
}

}  // namespace pitr
