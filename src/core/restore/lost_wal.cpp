#include "core/restore/lost_wal.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "core/pg/wal_page.h"
#include "core/repo/timelines/ancestor_segments.h"
#include "core/repo/timelines/wal_predecessor.h"
#include "core/repo/wal/history_source.h"
#include "core/restore/timeline_fork.h"
#include "core/restore/wal_aside.h"

namespace pitr {
namespace {

// The segments of `timeline` that are in pg_wal and not there for reuse.
Result<std::set<SegmentNo>> Held(const ClusterTree& tree, Timeline timeline, uint32_t segment_size) {
  PITR_ASSIGN(const std::vector<std::string> names, tree.List(kWalDirectory));
  std::set<SegmentNo> held;
  const auto history = LocalHistory(tree.Locate(kWalDirectory), timeline);
  for (const std::string& name : names) {
    const auto parsed = ParseWalFileName(name, segment_size);
    if (!parsed || parsed->kind != WalFileKind::kSegment || parsed->timeline != timeline) continue;
    const auto file = tree.OpenFile(std::string(kWalDirectory) + "/" + name, O_RDONLY | O_NONBLOCK);
    if (!file.ok()) continue;
    uint8_t bytes[kLongWalPageHeaderSize];
    if (pread(file.value().get(), bytes, sizeof bytes, 0) != static_cast<ssize_t>(sizeof bytes)) continue;
    if (!IsRecycledSegment(bytes, *parsed, segment_size, history.ok() ? &history.value() : nullptr))
      held.insert(parsed->segment);
  }
  return held;
}

}  // namespace

Result<LostWal> FindLostWal(const Repository& repository, const ClusterTree& tree, const RestoreMark& mark,
                            const OpContext& ctx) {
  LostWal lost;
  const uint32_t segment_size = repository.segment_size();
  PITR_ASSIGN(const std::optional<TimelineFork> fork, NewestFork(tree, mark.timeline));
  if (!fork) return lost;
  lost.timeline = fork->timeline;
  PITR_ASSIGN(const std::set<SegmentNo> held, Held(tree, fork->timeline, segment_size));
  if (held.empty()) return lost;
  std::vector<std::string> written;
  for (SegmentNo at = SegmentOf(fork->lsn, segment_size); at <= *held.rbegin(); ++at.value)
    written.push_back(SegmentFileName(fork->timeline, at, segment_size));
  if (written.empty()) return lost;
  PITR_ASSIGN(const std::vector<std::string> absent, NotArchived(repository, written, ctx));
  for (const std::string& name : absent) {
    const SegmentNo segment = ParseWalFileName(name, segment_size)->segment;
    if (held.contains(segment)) {
      ++lost.waiting;
    } else if (!lost.missing.empty() && lost.missing.back().last.value + 1 == segment.value) {
      lost.missing.back().last = segment;
    } else {
      lost.missing.push_back({fork->timeline, segment, segment});
    }
  }
  // The newest may be unfinished; each is the one before another.
  const std::string directory = tree.Locate(kWalDirectory);
  const SegmentNo begin = std::max(*held.begin(), SegmentOf(fork->lsn, segment_size));
  for (const SegmentNo at : {begin, SegmentNo{held.rbegin()->value - 1}}) {
    if (at < begin || at >= *held.rbegin()) continue;
    Status same = CheckPredecessor(repository, {.timeline = fork->timeline, .segment = {at.value + 1}}, directory, ctx);
    if (same.code() == Code::kConflict) lost.foreign = std::move(same);
    if (!lost.foreign.ok()) break;
    PITR_TRY(same);
  }
  return lost;
}

}  // namespace pitr
