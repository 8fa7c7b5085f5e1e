#include "core/repo/archive/wal_catalog.h"

#include <algorithm>
#include <cassert>
#include <set>

#include "core/repo/archive/wal_listing.h"
#include "core/repo/layout.h"
#include "core/repo/wal/partial_segment.h"
#include "core/repo/wal/wal_fetch.h"
#include "core/store/absence.h"

namespace pitr {
namespace {

// The listing is in byte order, which for segments of one timeline is the order of their numbers.
void AddRange(TimelineWal& timeline, const WalRange& range) {
  assert(range.first <= range.last);
  if (!timeline.ranges.empty() && timeline.ranges.back().last.value + 1 == range.first.value) {
    timeline.ranges.back().last = range.last;
    timeline.ranges.back().stored_bytes += range.stored_bytes;
    return;
  }
  timeline.ranges.push_back(range);
}

void TakeStored(TimelineWal& timeline, int64_t micros) {
  timeline.newest_micros = std::max(timeline.newest_micros, micros);
  timeline.undated |= micros == 0;
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

Result<WalCatalog> WalCatalog::Load(const Repository& repository, const OpContext& ctx, Seals seals) {
  WalCatalog catalog;
  std::map<WalGroup, WalSeal> believed;
  if (seals == Seals::kBelieve) { PITR_ASSIGN(believed, LoadSeals(repository, ctx)); }
  PITR_TRY(catalog.AddListed(repository, believed, ctx));
  PITR_TRY(catalog.ReadHistories(repository, ctx));
  return catalog;
}

Result<WalCatalog> WalCatalog::LoadFor(const Repository& repository, const std::vector<BackupManifest>& backups,
                                       const OpContext& ctx) {
  PITR_ASSIGN(WalCatalog believed, Load(repository, ctx));
  std::vector<SegmentRange> needed;
  for (const BackupManifest& backup : backups)
    for (const Timeline timeline : std::set{backup.timeline, StopTimeline(backup)})
      needed.push_back({timeline, FirstSegment(backup), LastSegment(backup)});
  PITR_ASSIGN(const bool hold, SealsHold(repository, believed.sealed(), needed, ctx));
  if (hold) return believed;
  return Load(repository, ctx, Seals::kIgnore);
}

Status WalCatalog::AddListed(const Repository& repository, const std::map<WalGroup, WalSeal>& seals,
                             const OpContext& ctx) {
  const std::vector<KeyRange> sealed = SealedKeys(layout::kWalPrefix, seals);
  PITR_TRY(ListAllBut(
      repository.store(), std::string(layout::kWalPrefix), sealed, ctx,
      [&](const ObjectInfo& object) {
        AddObject(repository, object);
        return Status::Ok();
      },
      [&](size_t range) {
        for (const auto& [group, seal] : seals) {
          const std::string below = layout::GroupPrefix(layout::kWalPrefix, group);
          if (below >= sealed[range].first && below <= sealed[range].last)
            AddSealed(group, seal, repository.segment_size());
        }
      }));
  // History files that lie among the groups which were not listed.
  for (const auto& [timeline, held] : timelines_) {
    const auto first = sealed_.lower_bound({timeline, 0});
    const bool unlisted = first != sealed_.end() && first->first.timeline == timeline;
    if (!unlisted || timeline.value == 1 || held.has_history_file) continue;
    const auto found = repository.store().Stat(layout::WalKey(HistoryFileName(timeline)), ctx);
    if (!found.ok() && found.code() != Code::kNotFound) return found.status();
    if (found.ok()) AddObject(repository, found.value());
  }
  return Status::Ok();
}

void WalCatalog::AddSealed(const WalGroup& group, const WalSeal& seal, uint32_t segment_size) {
  TimelineWal& timeline = timelines_[group.timeline];
  timeline.timeline = group.timeline;
  TakeStored(timeline, seal.newest_micros);
  const SegmentRange segments = SegmentsOf(group, segment_size);
  AddRange(timeline, {segments.first, segments.last, seal.stored_bytes});
  sealed_[group] = seal;
}

void WalCatalog::AddObject(const Repository& repository, const ObjectInfo& object) {
  if (const auto partial = ParsePartialSegment(repository, object.key)) {
    TimelineWal& timeline = timelines_[partial->name.timeline];
    timeline.timeline = partial->name.timeline;
    Lsn& end = timeline.partials[partial->name.segment];
    end = std::max(end, partial->end);
    TakeStored(timeline, object.modified_micros);
    return;
  }
  const std::optional<std::string> name = layout::WalNameOfKey(object.key);
  const std::optional<WalFileName> parsed = name ? ParseWalFileName(*name, repository.segment_size()) : std::nullopt;
  if (!parsed) {
    repository.log().Warning("object \"" + object.key + "\" is not a WAL file of this cluster; it was ignored");
    return;
  }
  TimelineWal& timeline = timelines_[parsed->timeline];
  timeline.timeline = parsed->timeline;
  if (parsed->kind == WalFileKind::kHistory) {
    timeline.has_history_file = true;
    timeline.history_micros = object.modified_micros;
  }
  if (parsed->kind != WalFileKind::kSegment) return;
  TakeStored(timeline, object.modified_micros);
  AddRange(timeline, {parsed->segment, parsed->segment, object.size});
}

Status WalCatalog::ReadHistories(const Repository& repository, const OpContext& ctx) {
  for (auto& [timeline, held] : timelines_) {
    if (!held.has_history_file) continue;
    PITR_TRY(ReadHistory(repository, held, ctx));
    if (!held.history_problem.ok()) repository.log().Warning(held.history_problem.ToString());
  }
  return Status::Ok();
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
  assert(range->last >= from);
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
