// The path of timelines that leads to a timeline, from its history file. A fork happens at a switch
// point: everything before it was written on the parent, everything from it on by the child.
// Immutable value; any thread. Format: access/transam/timeline.c.
#pragma once
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "core/pg/lsn.h"

namespace pitr {

// One timeline of the path and the part [begin, end) of WAL that the path takes from it.
struct TimelineEntry {
  Timeline timeline;
  Lsn begin;           // 0/0 for the first timeline
  Lsn end;             // where the next timeline leaves it; 0/0 (open) for the last
  std::string reason;  // why it was left, as PostgreSQL wrote it; empty for the last
};

inline constexpr size_t kMaxHistoryFileSize = 4u << 20;

class TimelineHistory {
 public:
  // `text` is the content of `timeline`'s history file; comments and empty lines are allowed.
  // kInvalidArgument for a timeline of 0; kCorruption for a line that does not parse, timelines that do
  // not increase, or more than kMaxHistoryFileSize bytes. A timeline of which the path takes nothing, because it was
  // left where it began or before, is no entry.
  static Result<TimelineHistory> Parse(Timeline timeline, std::string_view text);
  // A timeline without ancestors: timeline 1, which has no history file.
  static TimelineHistory Root(Timeline timeline);

  Timeline timeline() const { return entries_.back().timeline; }
  // Oldest first; the last is timeline() itself. Never empty.
  std::span<const TimelineEntry> entries() const { return entries_; }

  bool Includes(Timeline timeline) const { return Find(timeline) != nullptr; }
  // The timeline on which the byte at `lsn` was written.
  Timeline TimelineContaining(Lsn lsn) const;
  // Where the path leaves `timeline`; nullopt for the last one and for one not on the path.
  std::optional<Lsn> SwitchPoint(Timeline timeline) const;
  // True when WAL of `timeline` up to the exclusive end `end` is part of this path: a backup that ended
  // there, or a record that ends there, leads to timeline(). (The server tests the byte before `end`.)
  bool ReachedFrom(Timeline timeline, Lsn end) const;
  // Whether recovery along this path can start from a backup that began at `start` on `timeline` and ended at `stop` on
  // `stop_timeline`: its WAL lies on the path.
  bool LeadsFrom(Timeline timeline, Lsn start, Timeline stop_timeline, Lsn stop) const {
    return Includes(timeline) && TimelineContaining(start) == timeline && ReachedFrom(stop_timeline, stop);
  }
  // The newest ancestor of whose number `stored` has another one, which left its parents elsewhere; invalid when there
  // is none. A number is no identity: another server may have given the same one. `stored` gives what is known of a
  // timeline's history, or nullptr.
  Timeline NewestForeign(const std::function<const TimelineHistory*(Timeline)>& stored) const;
  // The path from behind `ancestor` on.
  TimelineHistory Behind(Timeline ancestor) const;
  // The timeline whose file of this segment recovery should read: the newest that has begun by the end
  // of the segment. The file of a child repeats the parent's WAL up to the switch point.
  Timeline TimelineOfSegment(SegmentNo segment, uint32_t segment_size) const;

 private:
  TimelineHistory() = default;
  const TimelineEntry* Find(Timeline timeline) const;
  // Whether `other`, the history of a timeline on this path, is this path up to there.
  bool Continues(const TimelineHistory& other) const;
  std::vector<TimelineEntry> entries_;
};

}  // namespace pitr
