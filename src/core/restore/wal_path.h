// The archived WAL along the path of timelines that leads to one timeline: which file holds a segment, and how far the
// run goes. Immutable; any thread. The catalog is borrowed.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "core/pg/history.h"
#include "core/pg/wal_name.h"
#include "core/repo/archive/wal_catalog.h"
#include "core/repo/manifest.h"

namespace pitr {

struct WalSpan {
  Timeline timeline;
  SegmentNo first;
  SegmentNo last;  // inclusive
};

class WalPath {
 public:
  // kNotFound when the repository has nothing of `target`; kNotFound naming the history file when that is missing.
  static Result<WalPath> Make(const WalCatalog& catalog, Timeline target, uint32_t segment_size);
  // A timeline by itself, whatever its history file says: for what begins and ends on it.
  static WalPath Alone(const WalCatalog& catalog, Timeline timeline, uint32_t segment_size) {
    return WalPath(catalog, TimelineHistory::Root(timeline), segment_size);
  }
  // The newest timeline the archive knows; nullopt for an empty archive.
  static std::optional<Timeline> NewestTimeline(const WalCatalog& catalog);

  // Begins behind `foreign()`, when there is one.
  const TimelineHistory& history() const { return history_; }
  // The newest timeline that the target's history file names and under whose number the archive has another one, which
  // left its parents elsewhere: a staging server's own repository has those of two nights. Nothing of it, or before it,
  // is on the path. Invalid: none.
  Timeline foreign() const { return foreign_; }
  Timeline target() const { return history_.timeline(); }
  uint32_t segment_size() const { return segment_size_; }

  // The timeline under whose name recovery reads this segment.
  Timeline TimelineOf(SegmentNo segment) const { return history_.TimelineOfSegment(segment, segment_size_); }
  std::string NameOf(SegmentNo segment) const { return SegmentFileName(TimelineOf(segment), segment, segment_size_); }
  // The end of what the archive has of a segment that it does not have as a whole; nullopt when it has nothing of it.
  // Recovery can replay that far, and no further: the segment is the last one that it reads.
  std::optional<Lsn> PartialEnd(SegmentNo segment) const;
  // The last segment of the path that the archive has in part only.
  std::optional<SegmentNo> NewestPartial() const;
  // What to fetch for a segment that is there, or of which PartialEnd() speaks.
  std::string FileOf(SegmentNo segment) const { return NameOf(segment) + (PartialEnd(segment) ? ".partial" : ""); }
  bool Has(SegmentNo segment) const { return catalog_->Has(TimelineOf(segment), segment); }

  // The last segment of the unbroken run that begins with `from`; nullopt when `from` itself is missing.
  std::optional<SegmentNo> UnbrokenUntil(SegmentNo from) const;
  // The last segment that recovery reads when it reads `from`: the end of that run, or the next one, when its beginning
  // is there; nullopt when nothing of `from` is.
  std::optional<SegmentNo> ReadableUntil(SegmentNo from) const;
  // Whether all WAL is there that the backup needs to become consistent. That it lies on the path is not looked at.
  bool HasWalOf(const BackupManifest& backup) const;
  // Runs of missing segments within [first, last].
  std::vector<WalSpan> Missing(SegmentNo first, SegmentNo last) const;
  // [first, last] cut where the timeline changes.
  std::vector<WalSpan> Spans(SegmentNo first, SegmentNo last) const;
  // The last segment of the path that the archive has, whatever gaps are before it.
  std::optional<SegmentNo> Newest() const;

  // Whether recovery along this path can start from the backup: its WAL lies on the path. Presence is not looked at.
  bool LeadsFrom(const BackupManifest& backup) const;

  // A segment that the path wants from a younger timeline, is missing there, but exists on an older one: the server
  // would replay the older one's beyond the switch point.
  bool WouldOvershoot(SegmentNo segment) const;

 private:
  WalPath(const WalCatalog& catalog, TimelineHistory history, uint32_t segment_size)
      : catalog_(&catalog), history_(std::move(history)), segment_size_(segment_size) {}
  const WalCatalog* catalog_;
  TimelineHistory history_;
  Timeline foreign_;
  uint32_t segment_size_;
};

// "000000010000000000000003" or "000000010000000000000003 to 000000010000000000000007 (5 segments)".
std::string DescribeSpan(const WalSpan& span, uint32_t segment_size);

}  // namespace pitr
