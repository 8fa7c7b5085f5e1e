#include "core/repo/wal_catalog.h"

#include <algorithm>
#include <set>

#include "core/repo/layout.h"
#include "core/repo/partial_segment.h"
#include "core/repo/wal_fetch.h"
#include "core/store/absence.h"

namespace pitr {
namespace {

// The listing is in byte order, which for segments of one timeline is the order of their numbers.
void AddSegment(TimelineWal& timeline, SegmentNo segment, const ObjectInfo& object) {
  timeline.newest_micros = std::max(timeline.newest_micros, object.modified_micros);
  if (!timeline.ranges.empty() && timeline.ranges.back().last.value + 1 == segment.value) {
    timeline.ranges.back().last = segment;
    timeline.ranges.back().stored_bytes += object.size;
    return;
  }
  timeline.ranges.push_back({segment, segment, object.size});
}

Status ReadHistory(const Repository& repository, TimelineWal& timeline, const OpContext& ctx) {
  const std::string name = HistoryFileName(timeline.timeline);
  auto bytes = FetchWalBytes(repository, name, ctx);
  if (bytes.ok()) {
    auto history = TimelineHistory::Parse(timeline.timeline, AsText(bytes.value()));
    if (history.ok())
      timeline.history = std::move(history).value();
    else
      timeline.history_problem = std::move(history).status().Annotate("timeline history file \"" + name + "\"");
    return Status::Ok();
  }
  if (bytes.code() == Code::kNotFound) {
    Status confirmed = ConfirmAbsent(repository.store(), layout::WalKey(name), ctx);
    if (confirmed.code() == Code::kNotFound) return Status::Ok();  // removed since it was listed
    return confirmed;
  }
  if (bytes.code() != Code::kCorruption) return std::move(bytes).status();
  timeline.history_problem = std::move(bytes).status();
  return Status::Ok();
}

}  // namespace

Result<WalCatalog> WalCatalog::Load(const Repository& repository, const OpContext& ctx, const EachFile& each) {
  WalCatalog catalog;
  std::vector<Timeline> with_history;
  PITR_TRY(ListAll(repository.store(), std::string(layout::kWalPrefix), ctx, [&](const ObjectInfo& object) {
    if (const auto partial = ParsePartialSegment(repository, object.key)) {
      if (each) each(partial->name, object);
      TimelineWal& timeline = catalog.timelines_[partial->name.timeline];
      timeline.timeline = partial->name.timeline;
      Lsn& end = timeline.partials[partial->name.segment];
      end = std::max(end, partial->end);
      timeline.newest_micros = std::max(timeline.newest_micros, object.modified_micros);
      return Status::Ok();
    }
    const std::optional<std::string> name = layout::WalNameOfKey(object.key);
    const std::optional<WalFileName> parsed = name ? ParseWalFileName(*name, repository.segment_size()) : std::nullopt;
    if (!parsed) {
      repository.log().Warning("object \"" + object.key + "\" is not a WAL file of this cluster; it was ignored");
      return Status::Ok();
    }
    if (each) each(*parsed, object);
    TimelineWal& timeline = catalog.timelines_[parsed->timeline];
    timeline.timeline = parsed->timeline;
    switch (parsed->kind) {
      case WalFileKind::kSegment:
        AddSegment(timeline, parsed->segment, object);
        break;
      case WalFileKind::kHistory:
        timeline.history_micros = object.modified_micros;
        with_history.push_back(parsed->timeline);
        break;
      case WalFileKind::kPartial:  // above
      case WalFileKind::kBackupHistory:
        break;
    }
    return Status::Ok();
  }));
  for (Timeline timeline : with_history) {
    PITR_TRY(ReadHistory(repository, catalog.timelines_[timeline], ctx));
    if (const Status& problem = catalog.timelines_[timeline].history_problem; !problem.ok())
      repository.log().Warning(problem.ToString());
  }
  return catalog;
}

void WalCatalog::AddHistories(const std::vector<BackupManifest>& backups) {
  std::map<Timeline, std::set<std::string>> texts;
  for (const BackupManifest& backup : backups)
    if (!backup.history.empty()) texts[StopTimeline(backup)].insert(backup.history);
  for (const auto& [timeline, of_backups] : texts) {
    const auto held = timelines_.find(timeline);
    if (held == timelines_.end() || held->second.history || !held->second.history_problem.ok()) continue;
    if (timeline.value <= 1 || of_backups.size() != 1) continue;
    auto history = TimelineHistory::Parse(timeline, *of_backups.begin());
    if (!history.ok()) continue;
    held->second.history = std::move(history).value();
    held->second.history_of_backup = *of_backups.begin();
  }
  if (timelines_.empty()) return;
  TimelineWal& oldest = timelines_.begin()->second;
  const auto all_on_it = [&](const BackupManifest& backup) {
    return backup.timeline == oldest.timeline && StopTimeline(backup) == oldest.timeline;
  };
  if (oldest.timeline.value <= 1 || oldest.history || !oldest.history_problem.ok() || texts.contains(oldest.timeline) ||
      std::none_of(backups.begin(), backups.end(), all_on_it))
    return;
  oldest.history = TimelineHistory::Root(oldest.timeline);
  oldest.history_of_backup = "# What was before timeline " + std::to_string(oldest.timeline.value) + " is not known.\n";
  oldest.parents_unknown = true;
}

std::optional<SegmentNo> WalCatalog::UnbrokenUntil(Timeline timeline, SegmentNo from) const {
  auto at = timelines_.find(timeline);
  if (at == timelines_.end()) return std::nullopt;
  const std::vector<WalRange>& ranges = at->second.ranges;
  auto range = std::partition_point(ranges.begin(), ranges.end(), [&](const WalRange& r) { return r.last < from; });
  if (range == ranges.end() || from < range->first) return std::nullopt;
  return range->last;
}

std::optional<SegmentNo> WalCatalog::FirstMissing(const BackupManifest& backup) const {
  const SegmentNo last = LastSegment(backup);
  for (SegmentNo at = FirstSegment(backup); at <= last;) {
    auto until = UnbrokenUntil(backup.timeline, at);
    if (!until) until = UnbrokenUntil(StopTimeline(backup), at);
    if (!until && at == last && PartialEnd(StopTimeline(backup), at) >= backup.stop_lsn) return std::nullopt;
    if (!until) return at;
    at = SegmentNo{until->value + 1};
  }
  return std::nullopt;
}

Lsn WalCatalog::PartialEnd(Timeline timeline, SegmentNo segment) const {
  const auto held = timelines_.find(timeline);
  if (held == timelines_.end()) return {};
  const auto partial = held->second.partials.find(segment);
  return partial == held->second.partials.end() ? Lsn() : partial->second;
}

bool WalCatalog::Has(Timeline timeline, SegmentNo segment) const {
  return UnbrokenUntil(timeline, segment).has_value();
}

}  // namespace pitr
