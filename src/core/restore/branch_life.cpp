#include "core/restore/branch_life.h"

#include <algorithm>

#include "core/restore/wal_evidence.h"
#include "core/store/absence.h"

namespace pitr {
namespace {

constexpr int64_t kSecond = 1000000;

// The first records of a branch say when it began. Its last ones may be in the middle of a long transaction, in which
// checkpoints have times, but nothing ends.
constexpr uint64_t kSegmentsForBegin = 4;
constexpr int kSegmentsForEnd = 32;

Status ReadBegin(WalScanner& scanner, const WalPath& path, SegmentNo first, Lsn fork, BranchLife& life, bool& found) {
  const auto until = path.ReadableUntil(first);
  if (!until) return Status::Ok();
  const SegmentNo last{std::min(until->value, first.value + kSegmentsForBegin - 1)};
  return scanner.Scan(first, last, [&](const WalEvent& event) {
    const auto timed = event.start >= fork ? TimedRecordOf(event) : std::nullopt;
    if (!timed) return true;
    const bool in_seconds = std::holds_alternative<Checkpoint>(event.what);
    if (!found) {
      found = true;
      life.promoted = std::holds_alternative<EndOfRecovery>(event.what);
      life.begin_micros = timed->micros;
      life.begun_by_micros = timed->micros + (in_seconds ? kSecond - 1 : 0);
    } else {
      life.begun_by_micros = std::clamp(timed->micros, life.begin_micros, life.begun_by_micros);
    }
    return in_seconds && timed->micros < life.begun_by_micros;
  });
}

// The oldest and the newest segment under the timeline's name, unfinished ones too.
struct OwnSegments {
  SegmentNo first, last;
};
std::optional<OwnSegments> OwnSegmentsOf(const TimelineWal& held) {
  std::optional<OwnSegments> own;
  if (!held.ranges.empty()) own = {held.ranges.front().first, held.ranges.back().last};
  if (held.partials.empty()) return own;
  const SegmentNo first = held.partials.begin()->first, last = held.partials.rbegin()->first;
  return own ? OwnSegments{std::min(own->first, first), std::max(own->last, last)} : OwnSegments{first, last};
}

// From the newest segment back, until one says which transaction ended last.
Status ReadEnd(WalScanner& scanner, const WalPath& path, SegmentNo newest, SegmentNo first, Lsn fork, BranchLife& life,
               bool& found) {
  SegmentNo at = newest;
  for (int read = 0; read < kSegmentsForEnd && at >= first; ++read, --at.value) {
    // A gap. The rest of an unfinished segment is one, too, when others follow.
    if (!path.Has(at) && at != newest) return Status::Ok();
    bool has_end = false;
    PITR_TRY(scanner.Scan(at, at, [&](const WalEvent& event) {
      const auto timed = event.start >= fork ? TimedRecordOf(event) : std::nullopt;
      if (!timed) return true;
      life.last_micros = std::max(life.last_micros, timed->micros);
      life.last_timed = std::max(life.last_timed, event.start);
      found = true;
      const auto* end = std::get_if<TransactionEnd>(&event.what);
      if (end == nullptr) return true;
      has_end = true;
      life.last_end = event.start;
      life.last_end_micros = end->micros;
      if (end->committed) {
        life.last_commit_xid = end->xid;
        life.last_commit_micros = end->micros;
      }
      return true;
    }));
    life.ends_complete = at == first;
    if (has_end || at.value == 0) return Status::Ok();
  }
  return Status::Ok();
}

}  // namespace

Result<BranchLife> ReadBranchLife(const Repository& repository, const TimelineWal& held, const WalPath& path, Lsn fork,
                                  const OpContext& ctx) {
  BranchLife life;
  bool has_begin = !fork.valid(), has_end = false;
  if (const auto own = OwnSegmentsOf(held)) {
    const SegmentNo first = fork.valid() ? SegmentOf(fork, path.segment_size()) : own->first;
    WalScanner scanner(repository, path, ctx);
    if (!has_begin) {
      const Status begin = ReadBegin(scanner, path, first, fork, life, has_begin);
      if (!begin.ok() && IsOfTheStore(begin.code())) return begin;
    }
    const Status end = ReadEnd(scanner, path, own->last, first, fork, life, has_end);
    if (!end.ok() && IsOfTheStore(end.code())) return end;
    if (!end.ok()) {
      life.ends_complete = false;
      life.last_timed = {};
    }
  } else {
    life.ends_complete = true;
  }
  life.read = has_begin && has_end;
  if (!has_begin) life.begin_micros = held.history_micros != 0 ? held.history_micros : held.newest_micros;
  if (!has_end) life.last_micros = held.newest_micros != 0 ? held.newest_micros : life.begin_micros;
  life.begun_by_micros = std::max(life.begun_by_micros, life.begin_micros);
  life.last_micros = std::max(life.last_micros, life.begin_micros);
  return life;
}

}  // namespace pitr
