// Which WAL the backups that are kept can use. Pure; immutable once made; any thread.
//
// A backup with its window needs every segment from its start on, on every timeline it leads to, also beyond the points
// where other timelines branched off. A backup that is kept alone needs the segments from its start to its stop.
// Segments behind a gap are needed, too: the gap may be filled from a server's pg_wal later.
#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/expire/retention.h"
#include "core/repo/wal_group.h"

namespace pitr {

struct WalNeedFacts {
  uint32_t segment_size = 0;
  int64_t young_since_micros = 0;  // a branch that nobody reaches stays while its newest segment is younger than this
};

class WalNeed {
 public:
  // `verdicts` are those of `facts.backups`. Without any backup that keeps its window everything is needed.
  static WalNeed Make(const RetentionFacts& facts, const std::vector<Verdict>& verdicts, const WalNeedFacts& wal);

  bool Needs(Timeline timeline, SegmentNo segment) const;
  // Whether every segment of `timeline` from this one on is.
  bool NeedsAllFrom(Timeline timeline, SegmentNo segment) const;
  // Whether all of these are.
  bool NeedsAll(const SegmentRange& range) const;
  // Why a segment of `timeline` is not needed, a phrase.
  std::string WhyNot(Timeline timeline) const;

 private:
  struct Run {
    SegmentNo first;
    SegmentNo last;
  };
  struct OfTimeline {
    bool all = false;
    std::optional<SegmentNo> from;
    std::vector<Run> runs;
  };
  bool everything_ = false;
  std::map<Timeline, OfTimeline> timelines_;
};

}  // namespace pitr
