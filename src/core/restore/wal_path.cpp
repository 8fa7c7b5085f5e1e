#include "core/restore/wal_path.h"

#include <algorithm>
#include <cassert>

namespace pitr {

std::optional<Timeline> WalPath::NewestTimeline(const WalCatalog& catalog) {
  if (catalog.timelines().empty()) return std::nullopt;
  return catalog.timelines().rbegin()->first;
}

Result<WalPath> WalPath::Make(const WalCatalog& catalog, Timeline target, uint32_t segment_size) {
  const auto found = catalog.timelines().find(target);
  if (found == catalog.timelines().end()) {
    std::string known;
    for (const auto& [timeline, wal] : catalog.timelines())
      known += (known.empty() ? "" : ", ") + std::to_string(timeline.value);
    return Status(Code::kNotFound, "the archive has nothing of timeline " + std::to_string(target.value))
        .WithDetail(known.empty() ? "The archive is empty." : "Timelines in the archive: " + known + ".");
  }
  if (found->second.history) {
    WalPath path(catalog, *found->second.history, segment_size);
    path.foreign_ = path.history_.NewestForeign([&](Timeline timeline) -> const TimelineHistory* {
      const auto stored = catalog.timelines().find(timeline);
      return stored == catalog.timelines().end() || !stored->second.history ? nullptr : &*stored->second.history;
    });
    if (path.foreign_.valid()) path.history_ = path.history_.Behind(path.foreign_);
    return path;
  }
  // Timeline 1 has no history file.
  if (target.value == 1) return WalPath(catalog, TimelineHistory::Root(target), segment_size);
  return Status(Code::kNotFound, "the archive has no history file of timeline " + std::to_string(target.value))
      .WithDetail("Without " + HistoryFileName(target) + " it is not known where that timeline left its parent.")
      .WithHint(
          "Push it from the server's pg_wal with pg_pitr wal-push, or recover along an older timeline with "
          "--target-timeline.");
}

std::optional<Lsn> WalPath::PartialEnd(SegmentNo segment) const {
  const Lsn end = Has(segment) ? Lsn() : catalog_->PartialEnd(TimelineOf(segment), segment);
  return end.valid() ? std::optional(end) : std::nullopt;
}

std::optional<SegmentNo> WalPath::NewestPartial() const {
  std::optional<SegmentNo> newest;
  for (const auto& [timeline, wal] : catalog_->timelines()) {
    if (!history_.Includes(timeline)) continue;
    for (const auto& [segment, end] : wal.partials)
      if (TimelineOf(segment) == timeline && PartialEnd(segment))
        newest = newest ? std::max(*newest, segment) : segment;
  }
  return newest;
}

std::optional<SegmentNo> WalPath::UnbrokenUntil(SegmentNo from) const {
  std::optional<SegmentNo> last;
  for (SegmentNo at = from; Has(at);) {
    // The run on this timeline, cut where the path leaves it.
    const Timeline timeline = TimelineOf(at);
    SegmentNo end = catalog_->UnbrokenUntil(timeline, at).value_or(at);
    if (auto leaves = history_.SwitchPoint(timeline)) {
      const SegmentNo switch_segment = SegmentOf(*leaves, segment_size_);
      // The segment with the switch point is read from the child.
      if (switch_segment.value > 0 && end >= switch_segment && switch_segment > at)
        end = SegmentNo{switch_segment.value - 1};
    }
    assert(end >= at);
    last = end;
    at = SegmentNo{end.value + 1};
  }
  return last;
}

std::optional<SegmentNo> WalPath::ReadableUntil(SegmentNo from) const {
  const auto whole = UnbrokenUntil(from);
  const SegmentNo next = whole ? SegmentNo{whole->value + 1} : from;
  return PartialEnd(next) ? next : whole;
}

bool WalPath::HasWalOf(const BackupManifest& backup) const {
  const auto until = ReadableUntil(FirstSegment(backup));
  const SegmentNo last = LastSegment(backup);
  return until && *until >= last && PartialEnd(last).value_or(backup.stop_lsn) >= backup.stop_lsn;
}

std::vector<WalSpan> WalPath::Missing(SegmentNo first, SegmentNo last) const {
  std::vector<WalSpan> missing;
  for (SegmentNo at = first; at <= last; ++at.value) {
    if (auto until = UnbrokenUntil(at)) {
      at = std::min(*until, last);
      continue;
    }
    const Timeline timeline = TimelineOf(at);
    if (!missing.empty() && missing.back().timeline == timeline && missing.back().last.value + 1 == at.value) {
      missing.back().last = at;
    } else {
      missing.push_back({timeline, at, at});
    }
    // A gap may be as long as the archive; jump to where this timeline's next run begins.
    SegmentNo next = last;
    if (const auto wal = catalog_->timelines().find(timeline); wal != catalog_->timelines().end()) {
      for (const WalRange& range : wal->second.ranges)
        if (range.first > at && range.first.value - 1 < next.value) next = SegmentNo{range.first.value - 1};
    }
    if (auto leaves = history_.SwitchPoint(timeline)) {
      const SegmentNo switch_segment = SegmentOf(*leaves, segment_size_);
      if (switch_segment > at && switch_segment.value - 1 < next.value) next = SegmentNo{switch_segment.value - 1};
    }
    assert(next >= at && next <= last);
    missing.back().last = next;
    at = next;
  }
  return missing;
}

std::vector<WalSpan> WalPath::Spans(SegmentNo first, SegmentNo last) const {
  std::vector<WalSpan> spans;
  for (SegmentNo at = first; at <= last;) {
    const Timeline timeline = TimelineOf(at);
    SegmentNo end = last;
    if (auto leaves = history_.SwitchPoint(timeline)) {
      const SegmentNo switch_segment = SegmentOf(*leaves, segment_size_);
      if (switch_segment > at && switch_segment <= end) end = SegmentNo{switch_segment.value - 1};
    }
    assert(at <= end && end <= last);
    spans.push_back({timeline, at, end});
    at = SegmentNo{end.value + 1};
  }
  return spans;
}

std::optional<SegmentNo> WalPath::Newest() const {
  const auto entries = history_.entries();
  for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
    const auto wal = catalog_->timelines().find(entry->timeline);
    if (wal == catalog_->timelines().end()) continue;
    for (auto range = wal->second.ranges.rbegin(); range != wal->second.ranges.rend(); ++range) {
      SegmentNo last = range->last;
      if (entry->end.valid()) {
        const SegmentNo switch_segment = SegmentOf(entry->end, segment_size_);
        if (switch_segment.value == 0 || range->first >= switch_segment) continue;
        last = std::min(last, SegmentNo{switch_segment.value - 1});
      }
      if (last >= range->first && TimelineOf(last) == entry->timeline) return last;
    }
  }
  return std::nullopt;
}

bool WalPath::LeadsFrom(const BackupManifest& backup) const {
  return history_.LeadsFrom(backup.timeline, backup.start_lsn, StopTimeline(backup), backup.stop_lsn);
}

bool WalPath::WouldOvershoot(SegmentNo segment) const {
  if (Has(segment) || segment.value == 0) return false;
  const Timeline wanted = TimelineOf(segment);
  // The server never goes back to a timeline older than that of the segment it read last.
  const Timeline reading = TimelineOf(SegmentNo{segment.value - 1});
  for (const TimelineEntry& entry : history_.entries()) {
    if (entry.timeline >= reading && entry.timeline < wanted && SegmentOf(entry.begin, segment_size_) <= segment &&
        catalog_->Has(entry.timeline, segment))
      return true;
  }
  return false;
}

std::string DescribeSpan(const WalSpan& span, uint32_t segment_size) {
  std::string text = SegmentFileName(span.timeline, span.first, segment_size);
  if (span.first == span.last) return text;
  return text + " to " + SegmentFileName(span.timeline, span.last, segment_size) + " (" +
         std::to_string(span.last.value - span.first.value + 1) + " segments)";
}

}  // namespace pitr
