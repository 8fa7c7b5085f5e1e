#include "core/restore/plan_target.h"

#include <algorithm>
#include <mutex>
#include <set>

#include "core/base/describe_size.h"
#include "core/pg/timestamp.h"
#include "core/restore/next_xids.h"
#include "core/restore/wal_evidence.h"
#include "core/restore/wal_gaps.h"

namespace pitr {
namespace {

// Up to this many segments are all read, so that the answer is exact whatever the clock did; more are searched by
// halves.
constexpr uint64_t kReadAllSegments = 32;
// Commit times are taken before the records are written, so neighbours may be out of order by the time a commit takes.
constexpr int64_t kClockSlackMicros = int64_t{120} * 1000000;
constexpr int kMaxWalkBack = 64;
constexpr int kLastCommitSegments = 8;
constexpr size_t kNamesShown = 8;
constexpr int kBackupsLookedAt = 8;
constexpr int kEvidenceSegments = 32;
constexpr const char* kIfItRuns =
    "If the server that wrote it runs, SELECT pg_switch_wal() there archives what it has written until now; then plan "
    "again.";

bool Later(const Candidate& a, const Candidate& b) { return a.backup->stop_lsn < b.backup->stop_lsn; }

}  // namespace

Status CheckBackupLabel(const BackupCatalog& backups, const std::string& label) {
  if (backups.Find(label) != nullptr) return Status::Ok();
  std::string known;
  for (const BackupManifest& backup : backups.backups) known += (known.empty() ? "" : ", ") + backup.label;
  for (const UnfinishedBackup& unfinished : backups.unfinished)
    if (unfinished.label == label)
      return {Code::kInvalidArgument, "backup \"" + label + "\" was not finished and cannot be restored"};
  if (const DamagedBackup* damaged = backups.FindDamaged(label)) return UnreadableBackup(label, damaged->status);
  return NoSuchBackup(label).WithDetail(known.empty() ? "There is no finished backup."
                                                      : "Finished backups: " + known + ".");
}

Result<std::vector<Candidate>> FindCandidates(const BackupCatalog& backups, const WalPath& path,
                                              const std::string& label) {
  std::vector<Candidate> candidates;
  const std::string timeline = std::to_string(path.target().value);
  if (!label.empty()) PITR_TRY(CheckBackupLabel(backups, label));
  for (const BackupManifest& backup : backups.backups) {
    if (!label.empty() && backup.label != label) continue;
    if (!path.LeadsFrom(backup)) {
      if (label.empty()) continue;
      return Status(Code::kInvalidArgument, "backup \"" + label + "\" does not lead to timeline " + timeline)
          .WithDetail("It ended at " + backup.stop_lsn.ToString() + " on timeline " +
                      std::to_string(backup.timeline.value) + ", which is not on the way to timeline " + timeline + ".")
          .WithHint("Choose the branch with --target-timeline, or leave the choice of backup to pg_pitr.");
    }
    Candidate candidate{&backup, FirstSegment(backup), {}, false};
    if (const auto until = path.ReadableUntil(candidate.first)) {
      candidate.until = *until;
      candidate.complete = path.HasWalOf(backup);
    }
    candidates.push_back(candidate);
  }
  if (candidates.empty()) {
    std::string detail =
        backups.backups.empty() ? "There is no finished backup." : "The backups that exist are on other branches.";
    for (const DamagedBackup& damaged : backups.damaged)
      detail += " Backup " + damaged.label + " cannot be used: " + damaged.status.message() + ".";
    return Status(Code::kNotFound, "no backup leads to timeline " + timeline)
        .WithDetail(std::move(detail))
        .WithHint(backups.backups.empty() ? "Only a finished backup can be restored; see pg_pitr info."
                                          : "pg_pitr info shows the timelines; choose one with --target-timeline.");
  }
  std::sort(candidates.begin(), candidates.end(), Later);
  return candidates;
}

const Candidate* TargetFinder::NewestComplete() const {
  for (auto candidate = candidates_.rbegin(); candidate != candidates_.rend(); ++candidate)
    if (candidate->complete) return &*candidate;
  return nullptr;
}

std::string TargetFinder::GapText(const Candidate& from) const {
  return DescribeSpans(MissingAfter(path_, from.until), path_.segment_size());
}

// The ways out of a gap, whose segments and remedy ReachText() names.
std::string TargetFinder::GapHint() const {
  return "Archive the missing segments, and plan again. Are they lost? What is behind the gap is reached from a backup "
         "taken there only; everything before it with --target-latest --allow-gap --target-timeline " +
         std::to_string(path_.target().value) + ".";
}

// "Reachable ... from ... to ...": what the operator can ask for instead.
std::string TargetFinder::ReachText() {
  const Candidate* earliest = nullptr;
  for (const Candidate& candidate : candidates_)
    if (candidate.complete && earliest == nullptr) earliest = &candidate;
  const Candidate* newest = NewestComplete();
  if (earliest == nullptr && candidates_.size() == 1) {
    const auto missing = path_.Missing(candidates_[0].first, LastSegment(*candidates_[0].backup));
    return missing.empty()
               ? "Nothing can be reached from it."
               : "Nothing can be reached from it; missing: " + DescribeSpan(missing.front(), path_.segment_size()) +
                     ".";
  }
  if (earliest == nullptr) return "No backup has all the WAL it needs, so nothing can be reached.";
  std::string text = "Reachable along timeline " + std::to_string(path_.target().value) + ": from " +
                     DescribeTimestamp(earliest->backup->stop_micros) + " (" + earliest->backup->stop_lsn.ToString() +
                     ", end of backup " + earliest->backup->label + ") to ";
  auto last = scanner_.LastCommit(newest->first, newest->until, kLastCommitSegments);
  if (last.ok() && last.value()) {
    text += DescribeTimestamp(last.value()->micros) + " (transaction " + std::to_string(last.value()->xid) + " at " +
            last.value()->start.ToString() + ", the last one in the archive).";
  } else {
    const auto end = path_.PartialEnd(newest->until);
    text += end ? end->ToString() + "." : "the end of segment " + path_.NameOf(newest->until) + ".";
  }
  if (const auto missing = MissingAfter(path_, newest->until); !missing.empty())
    text += " WAL missing after that: " + DescribeSpans(missing, path_.segment_size()) + ". " +
            HowToCloseGap(missing, path_.segment_size()) + ".";
  return text;
}

Status TargetFinder::Unreachable(std::string why) {
  return Status(Code::kNotFound, std::move(why)).WithDetail(ReachText());
}

Resolution TargetFinder::StopAt(const Candidate& from, const WalMark& mark, bool applied) const {
  Resolution resolution;
  resolution.from = &from;
  resolution.stop.known = true;
  resolution.stop.lsn = mark.start;
  resolution.stop.end = mark.end;
  resolution.stop.applied = applied;
  resolution.stop.what = mark.kind == WalMark::Kind::kCommit  ? "commit"
                         : mark.kind == WalMark::Kind::kAbort ? "abort"
                                                              : "restore point";
  resolution.stop.xid = mark.xid;
  resolution.stop.time_micros = mark.micros;
  resolution.stop.name = mark.name;
  resolution.last_segment = SegmentBefore(mark.end, path_.segment_size());
  return resolution;
}

// A time is compared with the ends of transactions only.
void TargetFinder::NotePrepared(SegmentNo segment, StopPoint& stop) {
  if (target_.kind != TargetKind::kTime) return;
  for (const PreparedMark& prepared : scanner_.Prepared(segment))
    if (prepared.micros > target_.time_micros && prepared.start < stop.lsn)
      stop.prepared_late.push_back({prepared.start, prepared.xid, prepared.micros});
}

// The last transaction that will be there, and what was prepared since.
Status TargetFinder::AddLastCommit(Resolution& resolution) {
  const SegmentNo last = SegmentOf(resolution.stop.lsn, path_.segment_size());
  for (uint64_t back = 0; back < kLastCommitSegments && last.value >= resolution.from->first.value + back; ++back) {
    const SegmentNo at{last.value - back};
    if (!path_.Has(at) && !path_.PartialEnd(at)) continue;
    PITR_ASSIGN(const std::vector<WalMark>* marks, scanner_.Marks(at));
    NotePrepared(at, resolution.stop);
    for (auto mark = marks->rbegin(); mark != marks->rend(); ++mark) {
      const bool there =
          mark->start < resolution.stop.lsn || (mark->start == resolution.stop.lsn && resolution.stop.applied);
      if (mark->kind != WalMark::Kind::kCommit || !there) continue;
      resolution.stop.last_commit_xid = mark->xid;
      resolution.stop.last_commit_micros = mark->micros;
      return Status::Ok();
    }
  }
  return Status::Ok();
}

// The segment in which a timeline began is its own, whoever wrote its beginning: until it is archived, backups that end
// there lack it.
Status TargetFinder::NoneComplete() {
  Status status = candidates_.size() == 1
                      ? Unreachable("WAL that backup \"" + candidates_.front().backup->label + "\" needs is missing")
                      : Unreachable("no backup has all the WAL it needs");
  const auto entries = path_.history().entries();
  if (entries.size() < 2) return status;
  const SegmentNo first = SegmentOf(entries.back().begin, path_.segment_size());
  if (path_.Has(first) || path_.PartialEnd(first)) return status;
  const std::string begin = entries.back().begin.ToString();
  const std::string parent = std::to_string(entries[entries.size() - 2].timeline.value);
  return std::move(status).WithHint(
      "Of timeline " + std::to_string(path_.target().value) + ", which began at " + begin +
      ", the first segment is not archived yet. If its server runs: SELECT pg_switch_wal(), and plan again. If only "
      "its disk is left: pg_pitr wal-push its pg_wal. Without either, the state in which it began is the end of what "
      "it has of timeline " +
      parent + ": --target-timeline " + parent + " --target-immediate, or --target-lsn " + begin +
      " --target-exclusive.");
}

// `next` is of a branch that nobody asked for by its number, or of one that somebody did: only the first stays away
// when it is set aside.
Status TargetFinder::EndNotSafe(SegmentNo next) {
  const std::string number = std::to_string(path_.target().value);
  std::string hint = "Segment " + path_.NameOf(next) +
                     " is not in the archive, but an older timeline's is: the server would take that one and leave the "
                     "branch. Archive the missing segment (pg_pitr wal-push), or choose the older branch with "
                     "--target-timeline.";
  if (!target_.timeline)
    hint += " If a test copy or a server that was given up wrote timeline " + number +
            ", leave it out of every choice: pg_pitr timeline set-aside " + number + ".";
  return Unreachable("the end of timeline " + number + " is not safe to recover to").WithHint(std::move(hint));
}

Result<Resolution> TargetFinder::FindEnd() {
  const Candidate* from = NewestComplete();
  if (from == nullptr) return NoneComplete();
  Resolution resolution;
  resolution.from = from;
  resolution.stop.what = "position";
  if (target_.kind == TargetKind::kImmediate) {
    resolution.stop.lsn = from->backup->stop_lsn;
    resolution.last_segment = LastSegment(*from->backup);
    return resolution;
  }
  const SegmentNo next{from->until.value + 1};
  const std::optional<Lsn> partial_end = path_.PartialEnd(from->until);
  if (!partial_end && path_.WouldOvershoot(next)) return EndNotSafe(next);
  resolution.stop.lsn = partial_end.value_or(SegmentStart(next, path_.segment_size()));
  resolution.last_segment = from->until;
  if (std::string gap = GapText(*from); !gap.empty()) {
    if (!target_.allow_gap)
      return Unreachable("WAL is missing on the way to the end of timeline " + std::to_string(path_.target().value) +
                         ": recovery would end before the gap, at " + resolution.stop.lsn.ToString())
          .WithHint(GapHint());
    resolution.notes.push_back("There is WAL after a gap that recovery cannot cross. Missing: " + gap + ".");
  }
  PITR_ASSIGN(const std::optional<WalMark> last, scanner_.LastCommit(from->first, from->until, kLastCommitSegments));
  if (last) {
    resolution.stop.last_commit_xid = last->xid;
    resolution.stop.last_commit_micros = last->micros;
    resolution.stop.last_commit_end = last->end;
  }
  return resolution;
}

Result<Resolution> TargetFinder::FindPosition() {
  const Candidate* from = nullptr;
  for (const Candidate& candidate : candidates_)
    if (candidate.complete && candidate.backup->stop_lsn <= target_.lsn) from = &candidate;
  if (from == nullptr)
    return Unreachable("position " + target_.lsn.ToString() + " is before the end of every backup that could be used");
  PITR_ASSIGN(const auto record, scanner_.FirstRecord(target_.lsn, from->until));
  if (!record) {
    if (!GapText(*from).empty())
      return Unreachable("position " + target_.lsn.ToString() + " is behind a gap in the archive").WithHint(GapHint());
    return Unreachable("position " + target_.lsn.ToString() + " is after the end of the archive")
        .WithHint(std::string("The server would stop with an error at the end of WAL. ") + kIfItRuns +
                  " To recover everything there is on timeline " + std::to_string(path_.target().value) +
                  ", use --target-latest --target-timeline " + std::to_string(path_.target().value) + ".");
  }
  WalMark mark;
  mark.start = record->start;
  mark.end = record->end;
  Resolution resolution = StopAt(*from, mark, target_.inclusive);
  resolution.stop.what = "position";
  PITR_TRY(AddLastCommit(resolution));
  return resolution;
}

bool TargetFinder::IsAfterTime(const WalMark& mark) const {
  if (mark.kind == WalMark::Kind::kRestorePoint) return false;
  return target_.inclusive ? mark.micros > target_.time_micros : mark.micros >= target_.time_micros;
}

// Where to begin looking: provided that times ascend, no transaction before this segment ended after the time.
Result<SegmentNo> TargetFinder::BisectTime(SegmentNo low, SegmentNo high) {
  while (low < high) {
    const SegmentNo middle{low.value + (high.value - low.value) / 2};
    // Segments without transactions say nothing: look to the right until one speaks.
    SegmentNo at = middle;
    bool speaks = false, after = false;
    for (; at < high && !speaks; ++at.value) {
      PITR_ASSIGN(const std::vector<WalMark>* marks, scanner_.Marks(at));
      for (const WalMark& mark : *marks) {
        speaks |= mark.kind != WalMark::Kind::kRestorePoint;
        after |= IsAfterTime(mark);
      }
    }
    if (speaks && !after) {
      low = at;  // already one past the segment that spoke
    } else {
      high = middle;
    }
  }
  return low;
}

// Earlier neighbours may have a later time in them: as long as that is close, look one further back.
Result<SegmentNo> TargetFinder::WalkBack(SegmentNo low, SegmentNo from) {
  SegmentNo first = from;
  for (int steps = 0; from > low && steps < kMaxWalkBack; ++steps) {
    --from.value;
    PITR_ASSIGN(const std::vector<WalMark>* marks, scanner_.Marks(from));
    int64_t newest = INT64_MIN;
    for (const WalMark& mark : *marks) {
      if (mark.kind == WalMark::Kind::kRestorePoint) continue;
      newest = std::max(newest, mark.micros);
      if (IsAfterTime(mark)) first = from;
    }
    if (newest != INT64_MIN && newest < target_.time_micros - kClockSlackMicros) break;
  }
  return first;
}

Result<std::optional<WalMark>> TargetFinder::FirstAfterTime(const Candidate& from) {
  SegmentNo first = from.first;
  const uint64_t count = from.until.value - from.first.value + 1;
  if (count > kReadAllSegments) {
    bisected_ = true;
    PITR_ASSIGN(const SegmentNo near, BisectTime(from.first, from.until));
    PITR_ASSIGN(first, WalkBack(from.first, near));
  }
  for (SegmentNo at = first; at <= from.until; ++at.value) {
    PITR_ASSIGN(const std::vector<WalMark>* marks, scanner_.Marks(at));
    for (const WalMark& mark : *marks)
      if (mark.start >= from.backup->start_lsn && IsAfterTime(mark)) return std::optional<WalMark>(mark);
  }
  return std::optional<WalMark>();
}

// Whether nothing that ended after the time was in the backup from the start. By its clock it began before the time,
// but it may have waited, for its checkpoint, after it had looked at the clock. It ended before the time, or a
// transaction ended in it before the time (as all did before `first_after`) and so did those before its start.
Result<bool> TargetFinder::HoldsNothingLater(const Candidate& from, Lsn first_after) {
  if (from.backup->stop_micros <= target_.time_micros) return true;
  const SegmentNo last = SegmentOf(std::min(first_after, from.backup->stop_lsn), path_.segment_size());
  for (SegmentNo at = from.first; at <= last; ++at.value) {
    PITR_ASSIGN(const std::vector<WalMark>* marks, scanner_.Marks(at));
    for (const WalMark& mark : *marks)
      if (mark.kind != WalMark::Kind::kRestorePoint && mark.start >= from.backup->start_lsn && mark.start < first_after)
        return true;
  }
  return false;
}

// A backup before `from` behind which, and before `from` began, a transaction ended after the time: then the clock was
// set back in between. nullptr: none was found.
Result<const Candidate*> TargetFinder::BeforeClockWentBack(const Candidate& from) {
  const Candidate* next = &from;
  int looked = 0;
  for (const Candidate* older = &from; older != candidates_.data() && looked < kBackupsLookedAt;) {
    --older;
    if (!older->complete || older->until < next->first) continue;
    looked++;
    for (uint64_t back = 0; back < kLastCommitSegments && next->first.value >= older->first.value + back; back++) {
      PITR_ASSIGN(const std::vector<WalMark>* marks, scanner_.Marks({next->first.value - back}));
      for (const WalMark& mark : *marks)
        if (mark.kind != WalMark::Kind::kRestorePoint && IsAfterTime(mark) && mark.start >= older->backup->stop_lsn &&
            mark.start < next->backup->start_lsn)
          return older;
    }
    next = older;
  }
  return nullptr;
}

// No transaction ended after the time. The server would refuse such a target; a later record shows that WAL is complete
// up to there, so that the state behind that record is the state at the time.
Result<Resolution> TargetFinder::FindQuietTime(const Candidate& from) {
  const std::string time = DescribeTimestamp(target_.time_micros);
  const std::string timeline = std::to_string(path_.target().value);
  PITR_ASSIGN(const std::optional<TimedRecord> later,
              FindEvidence(scanner_, from.first, from.until, target_.time_micros + 1, kEvidenceSegments));
  if (!later) {
    if (!GapText(from).empty())
      return Unreachable("WAL is missing on the way to " + time + ": up to the gap in the archive nothing ended later")
          .WithHint(GapHint());
    PITR_ASSIGN(const Candidate* before, BeforeClockWentBack(from));
    if (before != nullptr)
      return Unreachable("no transaction behind backup " + from.backup->label + " ended after " + time +
                         ", but some did before it: the clock was set back")
          .WithHint("The first that ended later is found from an older backup: --backup " + before->backup->label +
                    ".");
    return Unreachable("no transaction in the archive ended after " + time)
        .WithHint(
            std::string("Nothing in WAL has a later time either, so there may have been transactions until then that "
                        "were not archived. ") +
            kIfItRuns +
            " If newer WAL is still in the old server's pg_wal, archive it first with pg_pitr wal-push. To "
            "recover everything there is on timeline " +
            timeline + ", use --target-latest --target-timeline " + timeline + ".");
  }
  PITR_ASSIGN(const auto record, scanner_.FirstRecord(std::max(later->start, from.backup->stop_lsn), from.until));
  if (!record) return Unreachable("the archive ends with backup " + from.backup->label);
  WalMark mark;
  mark.start = record->start;
  mark.end = record->end;
  Resolution resolution = StopAt(from, mark, /*applied=*/true);
  resolution.stop.what = "position";
  resolution.server_target = target_;
  resolution.server_target->kind = TargetKind::kLsn;
  resolution.server_target->lsn = record->start;
  resolution.server_target->inclusive = true;
  PITR_TRY(AddLastCommit(resolution));
  PITR_ASSIGN(const auto fork, SilentFork(scanner_, path_, from.backup->start_lsn, later->start, target_.time_micros));
  const std::string told = " The server is told to stop at " + record->start.ToString() +
                           ", because it does not accept a time after which nothing ended.";
  if (fork) {
    resolution.notes.push_back("No transaction in the archive ended after " + time + ", but timeline " +
                               std::to_string(fork->timeline.value) + " ends in the archive before that time, at " +
                               fork->end.ToString() +
                               ", and the next one was opened after it. If a server was running at that time, what it "
                               "committed in between was not archived and is not restored." +
                               told);
    return resolution;
  }
  resolution.notes.push_back("No transaction in the archive ended after " + time +
                             ", and the archive goes on until later: to a " + later->what + " at " +
                             later->start.ToString() + ", " + FormatTimestamp(later->micros) +
                             ". So the state at that time and the end of the archive are the same." + told);
  return resolution;
}

Result<Resolution> TargetFinder::FindTime() {
  const std::string time = DescribeTimestamp(target_.time_micros);
  for (auto candidate = candidates_.rbegin(); candidate != candidates_.rend(); ++candidate) {
    // What was committed before a backup began is in it, so it must have begun before the time.
    if (!candidate->complete || candidate->backup->start_micros > target_.time_micros) continue;
    PITR_ASSIGN(const std::optional<WalMark> mark, FirstAfterTime(*candidate));
    // Before the backup's end the server is not consistent and refuses to stop.
    if (mark && mark->start < candidate->backup->stop_lsn) continue;
    PITR_ASSIGN(const bool holds, HoldsNothingLater(*candidate, mark ? mark->start : candidate->backup->stop_lsn));
    if (!holds) continue;
    if (!mark) return FindQuietTime(*candidate);
    Resolution resolution = StopAt(*candidate, *mark, false);
    PITR_TRY(AddLastCommit(resolution));
    if (bisected_)
      resolution.notes.push_back(
          "Found by reading " + std::to_string(scanner_.segments_read()) + " of " +
          std::to_string(candidate->until.value - candidate->first.value + 1) +
          " segments; a clock that once ran ahead by more than 2 minutes could make the server stop earlier.");
    return resolution;
  }
  return Unreachable("no backup ended before " + time);
}

Status TargetFinder::MissingName(const std::vector<WalMark>& seen, uint32_t parent_xid, uint64_t of_other_epoch) {
  const Candidate* newest = NewestComplete();
  const bool gap = newest != nullptr && !GapText(*newest).empty();
  if (target_.kind == TargetKind::kXid) {
    Status status =
        Unreachable("the end of transaction " + std::to_string(FullXid(target_)) + " is not in the archive");
    if (of_other_epoch != 0)
      return std::move(status).WithHint("The one with the same lower 32 bits that ended there is " +
                                        std::to_string(of_other_epoch) +
                                        ": give that number, if it is meant, or the lower bits only, --target-xid " +
                                        std::to_string(target_.xid) + ".");
    if (parent_xid != 0)
      return std::move(status).WithHint("It is a subtransaction of transaction " + std::to_string(parent_xid) +
                                        "; use that one.");
    if (gap) return std::move(status).WithHint("It may be in the gap or behind it. " + GapHint());
    return std::move(status).WithHint(
        std::string("A transaction that wrote nothing, or had not ended, leaves no record; --target-time and "
                    "--target-lsn need none. ") +
        kIfItRuns);
  }
  std::vector<std::string> names;
  std::set<std::string> known;
  for (auto mark = seen.rbegin(); mark != seen.rend() && names.size() < kNamesShown; ++mark)
    if (known.insert(mark->name).second)
      names.push_back("\"" + mark->name + "\" (" + FormatTimestamp(mark->micros) + ")");
  return Unreachable("restore point \"" + target_.name + "\" is not in the archive")
      .WithHint((names.empty() ? "No restore point was found at all."
                               : "Restore points that were found, newest first: " + DescribeList(names) + ".") +
                (gap ? " It may be in the gap or behind it. " + GapHint() : ""));
}

Result<Resolution> TargetFinder::FindByName() {
  const bool by_xid = target_.kind == TargetKind::kXid;
  const uint32_t xid = target_.xid;
  NextXids next_xids;
  uint64_t of_other_epoch = 0;  // ended after a backup under the number that was asked for, but for the epoch
  std::mutex mutex;
  uint32_t parent_xid = 0;  // protected by mutex
  const auto wanted = [&](const WalEvent& event) {
    if (!by_xid) return std::holds_alternative<RestorePoint>(event.what);
    next_xids.Note(event);
    const auto* end = std::get_if<TransactionEnd>(&event.what);
    if (end == nullptr) return false;
    if (std::find(end->subtransactions.begin(), end->subtransactions.end(), xid) != end->subtransactions.end()) {
      std::lock_guard lock(mutex);
      parent_xid = end->xid;
    }
    return end->xid == xid;
  };
  const auto fits = [&](const WalMark& mark) { return by_xid || mark.name == target_.name; };

  std::vector<WalMark> seen;  // ascending; what was found from the candidate's first segment on, without a gap
  std::optional<SegmentNo> read_from;
  std::vector<WalMark> others;
  bool before_consistency = false;
  for (auto candidate = candidates_.rbegin(); candidate != candidates_.rend(); ++candidate) {
    if (!candidate->complete) continue;
    SegmentNo to = candidate->until;
    if (read_from && *read_from <= to) {
      if (read_from->value <= candidate->first.value) {
        to = SegmentNo{0};
      } else {
        to = SegmentNo{read_from->value - 1};
      }
    } else {
      seen.clear();  // behind a gap
    }
    if (to >= candidate->first && to.value > 0) {
      PITR_ASSIGN(std::vector<WalMark> found,
                  scanner_.Search(candidate->first, to, wanted, repository_.config().restore_jobs));
      others.insert(others.begin(), found.begin(), found.end());
      seen.insert(seen.begin(), found.begin(), found.end());
      read_from = candidate->first;
    }
    const auto first = std::find_if(seen.begin(), seen.end(), [&](const WalMark& mark) {
      return fits(mark) && mark.start >= candidate->backup->start_lsn;
    });
    if (first == seen.end()) continue;
    if (first->start < candidate->backup->stop_lsn) {
      before_consistency = true;
      continue;
    }
    if (const auto full = next_xids.FullXid(*first); target_.epoch && full && *full != FullXid(target_)) {
      of_other_epoch = *full;
      continue;  // the server would stop here
    }
    Resolution resolution = StopAt(*candidate, *first, by_xid ? target_.inclusive : true);
    const auto more = std::count_if(first + 1, seen.end(), fits);
    if (more > 0)
      resolution.notes.push_back("It occurs " + std::to_string(more) +
                                 " more times later in the archive; recovery stops at the first one after the backup" +
                                 (by_xid ? "."
                                         : " (" + FormatTimestamp(first->micros) +
                                               "). A later backup, chosen with --backup, would stop at a later one."));
    PITR_TRY(AddLastCommit(resolution));
    return resolution;
  }
  if (before_consistency)
    return Unreachable(DescribeTarget(target_) + " is before the end of every backup that could be used");
  return MissingName(others, parent_xid, of_other_epoch);
}

Result<Resolution> TargetFinder::Find() {
  switch (target_.kind) {
    case TargetKind::kLatest:
    case TargetKind::kImmediate:
      return FindEnd();
    case TargetKind::kLsn:
      return FindPosition();
    case TargetKind::kTime:
      return FindTime();
    case TargetKind::kXid:
    case TargetKind::kName:
      return FindByName();
  }
  return Status(Code::kInternal, "unknown kind of target");
}

Result<Resolution> FindSoundFirst(const Repository& repository, const WalPath& path,
                                  const std::vector<Candidate>& candidates, const RecoveryTarget& target,
                                  const OpContext& ctx, Progress* progress) {
  SegmentNo reach, sound_reach;
  std::vector<Candidate> sound;
  for (const Candidate& candidate : candidates) {
    if (candidate.complete) reach = std::max(reach, candidate.until);
    if (!candidate.backup->page_errors.empty() || !candidate.damage.empty()) continue;
    sound.push_back(candidate);
    if (candidate.complete) sound_reach = std::max(sound_reach, candidate.until);
  }
  // Borrowed from `candidates`, so that the result may be, too.
  const auto original = [&](const Candidate* found) {
    return &*std::find_if(candidates.begin(), candidates.end(),
                          [&](const Candidate& each) { return each.backup == found->backup; });
  };
  // With a gap in the WAL after them, what they lead to is less.
  if (!sound.empty() && sound.size() < candidates.size() && sound_reach == reach) {
    auto resolution = TargetFinder(repository, path, sound, target, ctx, progress).Find();
    if (resolution.ok()) {
      resolution.value().from = original(resolution.value().from);
      return resolution;
    }
    if (resolution.code() != Code::kNotFound) return resolution;
  }
  return TargetFinder(repository, path, candidates, target, ctx, progress).Find();
}

}  // namespace pitr
