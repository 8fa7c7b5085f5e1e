#include "core/restore/wal_gaps.h"

#include <algorithm>

namespace pitr {
namespace {

// As many are named in a command one by one; of more, what their names have in common.
constexpr uint64_t kNamedSegments = 6;

Expired HowExpired(const WalPath& path, const BackupCatalog& backups, const WalSpan& missing) {
  std::optional<SegmentNo> before, after;  // the segments between which no backup needs any
  for (const BackupManifest& backup : backups.backups) {
    if (!path.LeadsFrom(backup)) continue;
    const SegmentNo first = FirstSegment(backup), last = LastSegment(backup);
    if (last < missing.first) before = before ? std::max(*before, last) : last;
    if (first > missing.last) after = after ? std::min(*after, first) : first;
  }
  if (!before || !after || path.Has(SegmentNo{before->value + 1})) return Expired::kNo;
  const uint64_t count = CountSegments(path.Missing(SegmentNo{before->value + 1}, SegmentNo{after->value - 1}));
  return count == after->value - before->value - 1 ? Expired::kWhole : Expired::kPartly;
}

// The oldest segment of the path in the archive.
std::optional<SegmentNo> OldestOn(const WalPath& path, const WalCatalog& wal) {
  for (const TimelineEntry& entry : path.history().entries()) {
    const auto held = wal.timelines().find(entry.timeline);
    if (held == wal.timelines().end()) continue;
    for (const WalRange& range : held->second.ranges) {
      const SegmentNo at = std::max(range.first, SegmentOf(entry.begin, path.segment_size()));
      if (at <= range.last && path.TimelineOf(at) == entry.timeline) return at;
    }
  }
  return std::nullopt;
}

bool Earlier(const WalSpan& a, const WalSpan& b) {
  return a.timeline != b.timeline ? a.timeline < b.timeline : a.first < b.first;
}

}  // namespace

std::optional<SegmentNo> KnownEnd(const WalPath& path) {
  std::optional<SegmentNo> end = path.Newest();
  if (const auto partial = path.NewestPartial(); partial && partial->value > 0) {
    const SegmentNo before_it{partial->value - 1};
    end = end ? std::max(*end, before_it) : before_it;
  }
  const SegmentNo begins = SegmentOf(path.history().entries().back().begin, path.segment_size());
  if (begins.value == 0) return end;
  const SegmentNo before{begins.value - 1};
  return end ? std::max(*end, before) : before;
}

std::vector<WalSpan> MissingAfter(const WalPath& path, SegmentNo from) {
  const auto end = KnownEnd(path);
  if (!end || *end <= from) return {};
  // Behind the beginning of a segment its rest is missing.
  return path.Missing(SegmentNo{from.value + (path.PartialEnd(from) ? 0 : 1)}, *end);
}

std::vector<WalGap> FindGaps(const WalPath& path, const BackupCatalog& backups) {
  std::vector<WalGap> gaps;
  const auto end = KnownEnd(path);
  std::optional<SegmentNo> first;
  for (const BackupManifest& backup : backups.backups)
    if (path.LeadsFrom(backup)) first = first ? std::min(*first, FirstSegment(backup)) : FirstSegment(backup);
  if (!first || !end || *end < *first) return gaps;
  for (const WalSpan& missing : path.Missing(*first, *end))
    gaps.push_back({missing, HowExpired(path, backups, missing)});
  return gaps;
}

std::vector<WalSpan> MissingAlong(const WalPath& path, const WalCatalog& wal) {
  const auto first = OldestOn(path, wal);
  return first ? MissingAfter(path, *first) : std::vector<WalSpan>();
}

std::vector<WalSpan> MissingFromArchive(const WalCatalog& wal, uint32_t segment_size) {
  std::vector<WalSpan> all;
  for (const auto& [timeline, held] : wal.timelines()) {
    auto path = WalPath::Make(wal, timeline, segment_size);
    const WalPath along = path.ok() ? std::move(path).value() : WalPath::Alone(wal, timeline, segment_size);
    for (const WalSpan& missing : MissingAlong(along, wal)) all.push_back(missing);
  }
  std::sort(all.begin(), all.end(), Earlier);
  std::vector<WalSpan> merged;
  for (const WalSpan& span : all) {
    if (!merged.empty() && merged.back().timeline == span.timeline &&
        span.first.value <= merged.back().last.value + 1) {
      merged.back().last = std::max(merged.back().last, span.last);
    } else {
      merged.push_back(span);
    }
  }
  return merged;
}

uint64_t CountSegments(const std::vector<WalSpan>& spans) {
  uint64_t count = 0;
  for (const WalSpan& span : spans) count += span.last.value - span.first.value + 1;
  return count;
}

std::string DescribeSpans(const std::vector<WalSpan>& spans, uint32_t segment_size) {
  std::string text;
  for (const WalSpan& span : spans) text += (text.empty() ? "" : ", ") + DescribeSpan(span, segment_size);
  return text;
}

std::string HowToCloseGap(const std::vector<WalSpan>& missing, uint32_t segment_size) {
  const std::string directory = " /path/to/pg_wal/";
  const bool few = CountSegments(missing) <= kNamedSegments;
  std::string files;
  for (const WalSpan& span : missing) {
    const std::string first = SegmentFileName(span.timeline, span.first, segment_size);
    const std::string last = SegmentFileName(span.timeline, span.last, segment_size);
    if (few) {
      for (SegmentNo at = span.first; at <= span.last; ++at.value)
        files += directory + SegmentFileName(span.timeline, at, segment_size);
    } else {
      const auto differs = std::mismatch(first.begin(), first.end(), last.begin()).first;
      files += directory + std::string(first.begin(), differs) + (differs == first.end() ? "" : "*");
    }
  }
  // A pattern is for a shell that may read the directory.
  const std::string push = "pg_pitr wal-push" + files;
  return "If the former primary or a standby still has them in its pg_wal, archive them from there, whether a server "
         "runs on it or not: " +
         (few ? push : "sh -c '" + push + "'");
}

}  // namespace pitr
