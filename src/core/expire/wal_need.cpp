#include "core/expire/wal_need.h"

#include <algorithm>

namespace pitr {

WalNeed WalNeed::Make(const RetentionFacts& facts, const std::vector<Verdict>& verdicts, const WalNeedFacts& wal) {
  WalNeed need;
  need.everything_ = std::none_of(verdicts.begin(), verdicts.end(),
                                  [](const Verdict& verdict) { return verdict.keep == Keep::kWindow; });
  for (const TimelineFacts& timeline : facts.timelines) {
    OfTimeline& of = need.timelines_[timeline.timeline];
    of.all = !timeline.path;  // who leads to it is not known
    for (size_t i = 0; i < verdicts.size(); i++) {
      if (verdicts[i].keep == Keep::kNo) continue;
      const BackupFacts& backup = facts.backups[i];
      const SegmentNo first = SegmentOf(backup.start_lsn, wal.segment_size);
      const SegmentNo last = SegmentBefore(backup.stop_lsn, wal.segment_size);
      if (timeline.timeline >= backup.timeline && timeline.timeline <= backup.stop_timeline)
        of.runs.push_back({first, last});
      const bool leads = timeline.path && timeline.path->LeadsFrom(backup.timeline, backup.start_lsn,
                                                                   backup.stop_timeline, backup.stop_lsn);
      if (verdicts[i].keep == Keep::kWindow && leads) of.from = of.from ? std::min(*of.from, first) : first;
    }
    if (!of.from && (timeline.undated || timeline.newest_micros >= wal.young_since_micros)) of.all = true;
  }
  return need;
}

bool WalNeed::Needs(Timeline timeline, SegmentNo segment) const {
  const auto at = timelines_.find(timeline);
  if (everything_ || at == timelines_.end() || at->second.all) return true;
  const OfTimeline& of = at->second;
  if (of.from && segment >= *of.from) return true;
  return std::any_of(of.runs.begin(), of.runs.end(),
                     [&](const Run& run) { return run.first <= segment && segment <= run.last; });
}

bool WalNeed::NeedsAllFrom(Timeline timeline, SegmentNo segment) const {
  const auto at = timelines_.find(timeline);
  if (everything_ || at == timelines_.end() || at->second.all) return true;
  return at->second.from && segment >= *at->second.from;
}

bool WalNeed::NeedsAll(const SegmentRange& range) const {
  if (NeedsAllFrom(range.timeline, range.first)) return true;
  const std::vector<Run>& runs = timelines_.at(range.timeline).runs;
  return std::any_of(runs.begin(), runs.end(),
                     [&](const Run& run) { return run.first <= range.first && range.last <= run.last; });
}

std::string WalNeed::WhyNot(Timeline timeline) const {
  const auto at = timelines_.find(timeline);
  if (at != timelines_.end() && at->second.from) return "older than every backup that keeps its window";
  return "no backup that keeps its window leads to timeline " + std::to_string(timeline.value);
}

}  // namespace pitr
