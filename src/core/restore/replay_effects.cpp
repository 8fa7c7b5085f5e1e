#include "core/restore/replay_effects.h"

#include <algorithm>
#include <set>

#include "core/pg/timestamp.h"
#include "core/restore/cluster_tree.h"
#include "core/restore/prepared_fork.h"
#include "core/restore/replay_scan.h"
#include "core/restore/wal_scan.h"

namespace pitr {
namespace {

// How far back the end of the last transaction is looked for.
constexpr uint64_t kLastEndSegments = 8;

using Kind = ReplayAction::Kind;

std::string Describe(const ReplayAction& action) {
  const std::string oid = std::to_string(action.oid);
  switch (action.kind) {
    case Kind::kTablespaceCreated:
      return "CREATE TABLESPACE (OID " + oid + ", " +
             (action.path.empty() ? "inside the data directory" : "\"" + action.path + "\"") + ")";
    case Kind::kTablespaceDropped:
      return "DROP TABLESPACE (OID " + oid + ")";
    case Kind::kDatabaseDropped:
      return "DROP DATABASE (OID " + oid + ")";
    case Kind::kDatabaseInvalidated:
      return "the beginning of DROP DATABASE (OID " + oid + ")";
    case Kind::kOriginDropped:
      return "DROP of replication origin " + oid + " (by DROP SUBSCRIPTION or its like)";
    case Kind::kSettings:
      break;
  }
  return "a change of settings";
}

// What is left when the action was replayed and its commit was not.
std::string Consequence(const ReplayAction& action) {
  const std::string oid = std::to_string(action.oid);
  switch (action.kind) {
    case Kind::kTablespaceCreated:
      return "directory \"" + (action.path.empty() ? std::string(kTablespaceDirectory) + "/" + oid : action.path) +
             "\" will be there and the tablespace will not";
    case Kind::kTablespaceDropped:
      return "tablespace " + oid + " will be listed and its directory will be gone";
    case Kind::kDatabaseDropped:
      return "database " + oid + " will be listed and its files will be gone";
    case Kind::kDatabaseInvalidated:
      return "database " + oid +
             " will be listed and refuse connections as invalid (UPDATE pg_database SET datconnlimit = -1 WHERE oid "
             "= " +
             oid + " makes it usable as long as its files are there)";
    case Kind::kOriginDropped:
      return "origin " + oid +
             " will be listed and have forgotten how far its subscription got: the subscription begins at the position "
             "of its slot again";
    case Kind::kSettings:
      break;
  }
  return {};
}

// A record that makes a transaction's work last: what a stop must not leave out.
struct LastEnd {
  Lsn start;
  Lsn end;
  uint32_t xid = 0;
  int64_t micros = 0;
  bool prepared = false;  // by PREPARE TRANSACTION; else committed
};

class EffectsFinder {
 public:
  EffectsFinder(const Repository& repository, const WalPath& path, SegmentNo last, RestorePlan& plan,
                const OpContext& ctx)
      : repository_(repository), path_(path), plan_(plan), ctx_(ctx), scanner_(repository, path, ctx), last_(last) {}

  Result<SegmentNo> Find(Progress* progress) {
    PITR_ASSIGN(ReplayScan scan, ScanReplay(repository_, path_, FirstSegment(plan_.backup), last_,
                                            repository_.config().restore_jobs, ctx_, progress));
    for (const std::string& segment : scan.unread)
      plan_.notes.push_back("WAL segment " + segment +
                            " could not be read; replay will end there if the server cannot read it either.");
    actions_ = std::move(scan.actions);
    PITR_TRY(HandleHalfDone());
    PITR_TRY(AvoidLocks());
    for (const ReplayAction& action : actions_) {
      if (!IsReplayed(action)) continue;
      if (action.kind == Kind::kTablespaceCreated)
        plan_.replay.tablespaces.push_back({action.oid, action.path, action.start});
      if (action.kind == Kind::kSettings) PITR_TRY(AddSettings(action));
    }
    NotePreparedLate();
    PITR_TRY(AvoidPreparedFork());
    return last_;
  }

 private:
  // Whether the record is before the stop.
  bool IsBeforeStop(Lsn start) const {
    return start < plan_.stop.lsn || (start == plan_.stop.lsn && plan_.stop.applied);
  }
  bool IsReplayed(const ReplayAction& action) const {
    return action.start >= plan_.backup.start_lsn && IsBeforeStop(action.start);
  }

  // They come with the records before the one at which the server stops.
  void NotePreparedLate() {
    for (const PreparedLate& prepared : plan_.stop.prepared_late)
      if (IsBeforeStop(prepared.start))
        plan_.notes.push_back("Transaction " + std::to_string(prepared.xid) + ", prepared after that time (" +
                              FormatTimestamp(prepared.micros) +
                              "), will be there as prepared, with its locks and without its rows: ROLLBACK "
                              "PREPARED, or COMMIT PREPARED, of its name in pg_prepared_xacts.");
  }

  Status AvoidPreparedFork() {
    PITR_ASSIGN(const auto fork,
                FindPreparedFork(repository_, path_, FirstSegment(plan_.backup), plan_.stop.lsn, ctx_));
    if (!fork) return Status::Ok();
    plan_.replay.without_hot_standby = true;
    plan_.notes.push_back(
        "Transaction " + std::to_string(fork->xid) + " was prepared just before timeline " +
        std::to_string(fork->left.value) + " was left at " + fork->at.ToString() +
        ": PostgreSQL replays that only with hot_standby = off, which is set until recovery has ended; so nothing can "
        "be "
        "read before, and target action pause shuts the server down. A standby needs the same setting until it is past "
        "that position; otherwise it ends with \"requested WAL segment ... has already been removed\".");
    return Status::Ok();
  }

  Status AddSettings(const ReplayAction& action) {
    if (action.wal_level == WalLevel::kMinimal)
      return Status(Code::kNotFound, "recovery cannot go beyond " + action.start.ToString())
          .WithDetail("From there on the server wrote WAL with wal_level = minimal, which recovery refuses.")
          .WithHint("Choose a target before that, for example --target-lsn " + action.start.ToString() +
                    " --target-exclusive, or a backup taken after it.");
    RecoveryLimits& limits = plan_.replay.limits;
    limits = Largest(limits, action.limits);
    return Status::Ok();
  }

  // Looks for the end of the action's transaction before the stop, in WAL, when its change map does not have it. A
  // transaction that a crash ended has none.
  Status Complete(ReplayAction& action, bool* crashed) {
    return scanner_.Scan(SegmentOf(action.start, path_.segment_size()), last_, [&](const WalEvent& event) {
      if (event.start <= action.start) return true;
      if (!IsBeforeStop(event.start)) return false;
      const auto* checkpoint = std::get_if<Checkpoint>(&event.what);
      *crashed = checkpoint != nullptr && checkpoint->shutdown;
      const auto* end = std::get_if<TransactionEnd>(&event.what);
      if (end == nullptr || end->xid != action.xid) return !*crashed;
      action.ended = event.start;
      action.committed = end->committed;
      return false;
    });
  }

  static bool ActsEarly(const ReplayAction& action) {
    return action.kind == Kind::kDatabaseInvalidated || (action.kind != Kind::kSettings && action.xid != 0);
  }

  // Whether the action's transaction came to its end before the stop.
  Result<bool> IsOver(ReplayAction& action) {
    if (action.kind == Kind::kDatabaseInvalidated) {
      // The drop that it begins decides, which is looked at by itself unless it is behind the mark and over.
      for (ReplayAction& drop : actions_) {
        if (drop.kind != Kind::kDatabaseDropped || drop.oid != action.oid || drop.start < action.start) continue;
        if (!IsReplayed(drop)) break;
        PITR_ASSIGN(const bool over, IsOver(drop));
        action.committed = over;
        return over;
      }
      return false;
    }
    bool crashed = false;
    if (!action.ended.valid()) PITR_TRY(Complete(action, &crashed));
    return crashed || (action.ended.valid() && IsBeforeStop(action.ended));
  }

  Status HandleHalfDone() {
    std::vector<const ReplayAction*> pending;
    for (ReplayAction& action : actions_) {
      if (!ActsEarly(action) || !IsReplayed(action)) continue;
      PITR_ASSIGN(const bool over, IsOver(action));
      if (!over) {
        pending.push_back(&action);
      } else if (!action.committed && action.kind != Kind::kTablespaceCreated) {
        plan_.notes.push_back(Describe(action) + " acted at " + action.start.ToString() +
                              " and did not commit: as on the original server from then on, " + Consequence(action) +
                              ". Before that: --target-lsn " + action.start.ToString() + " --target-exclusive.");
      }
    }
    if (pending.empty()) return Status::Ok();
    PITR_ASSIGN(const std::optional<LastEnd> last, FindLastEnd(pending.front()->start));
    return last ? Avoid(pending, *last) : AvoidWithoutEnd(pending);
  }

  // The last record before the stop that makes a transaction last; at the most kLastEndSegments before `before`.
  Result<std::optional<LastEnd>> FindLastEnd(Lsn before) {
    const uint32_t size = path_.segment_size();
    const SegmentNo stop = std::min(last_, SegmentOf(plan_.stop.lsn, size));
    const SegmentNo lowest = FirstSegment(plan_.backup);
    std::optional<LastEnd> last;
    for (uint64_t no = stop.value + 1; no-- > lowest.value && !last;) {
      searched_from_ = {no};
      PITR_TRY(scanner_.Scan({no}, {no}, [&](const WalEvent& event) {
        if (!IsBeforeStop(event.start)) return false;
        const auto* end = std::get_if<TransactionEnd>(&event.what);
        const auto* prepared = std::get_if<TransactionPrepared>(&event.what);
        if (end != nullptr && end->committed) last = LastEnd{event.start, event.end, end->xid, end->micros};
        if (prepared != nullptr && MustBeThere(*prepared))
          last = LastEnd{event.start, event.end, prepared->xid, prepared->micros, true};
        return true;
      }));
      if (no + kLastEndSegments <= SegmentOf(before, size).value) break;
    }
    return last;
  }

  // The server stops at a time by commits, and would replay a preparation that comes later than the target but before
  // the next of these. It has no rows to show while the server pauses, and may have locks.
  bool MustBeThere(const TransactionPrepared& prepared) const {
    const RecoveryTarget& target = plan_.target;
    if (target.kind != TargetKind::kTime || target.action != TargetAction::kPause) return true;
    return target.inclusive ? prepared.micros <= target.time_micros : prepared.micros < target.time_micros;
  }

  // A restore point is looked for in the server's log; the others have no more to say than a position.
  bool MayMove() const {
    const TargetKind kind = plan_.target.kind;
    return kind == TargetKind::kTime || kind == TargetKind::kXid || kind == TargetKind::kLsn;
  }

  Status Avoid(const std::vector<const ReplayAction*>& pending, const LastEnd& last) {
    if (last.start < plan_.backup.stop_lsn) return AvoidWithoutEnd(pending);
    std::vector<const ReplayAction*> avoided;
    for (const ReplayAction* action : pending) {
      if (action->start > last.start) avoided.push_back(action);
      const bool warned = action->start < last.start || !MayMove();
      if (warned) Warn(*action, action->start > last.start ? "--target-lsn " + last.start.ToString() : std::string());
    }
    if (avoided.empty() || !MayMove()) return Status::Ok();
    NoteMove(avoided, Name(last));
    StopAfter(last);
    return Status::Ok();
  }

  // A server that pauses is there to be looked at, and nobody can read a table that a transaction without an end has
  // locked, for example because it is about to truncate it. The stop moves before the lock.
  Status AvoidLocks() {
    if (plan_.target.action != TargetAction::kPause || !MayMove() || plan_.stop.applied) return Status::Ok();
    PITR_ASSIGN(const std::optional<LastEnd> last, FindLastEnd(plan_.stop.lsn));
    if (!last || last->start < plan_.backup.stop_lsn) return Status::Ok();
    std::set<uint32_t> holders;
    PITR_TRY(scanner_.Scan(SegmentOf(last->start, path_.segment_size()), last_, [&](const WalEvent& event) {
      if (!IsBeforeStop(event.start)) return false;
      if (event.start <= last->start) return true;
      if (const auto* locks = std::get_if<ExclusiveLocks>(&event.what))
        holders.insert(locks->xids.begin(), locks->xids.end());
      if (const auto* end = std::get_if<TransactionEnd>(&event.what)) holders.erase(end->xid);
      return true;
    }));
    if (holders.empty()) return Status::Ok();
    plan_.notes.push_back("The server is told to stop by position, right after " + Name(*last) +
                          ": between there and the target no transaction was committed, but transaction " +
                          std::to_string(*holders.begin()) +
                          " locked a table, which could not be read while the server pauses. The rows are the same.");
    StopAfter(*last);
    return Status::Ok();
  }

  static std::string Name(const LastEnd& last) {
    return (last.prepared ? "the preparation" : "the commit") + std::string(" of transaction ") +
           std::to_string(last.xid);
  }

  void StopAfter(const LastEnd& last) {
    StopPoint& stop = plan_.stop;
    stop.lsn = last.start;
    stop.end = last.end;
    stop.applied = true;
    stop.what = last.prepared ? "preparation" : "commit";
    stop.xid = last.xid;
    stop.time_micros = last.micros;
    TellServer(last.start, true);
    last_ = std::max(SegmentBefore(last.end, path_.segment_size()), LastSegment(plan_.backup));
  }

  // No transaction ended between the backup's end, or the place that was searched from, and the first action.
  Status AvoidWithoutEnd(const std::vector<const ReplayAction*>& pending) {
    const Lsn place = std::max(plan_.backup.stop_lsn, SegmentStart(searched_from_, path_.segment_size()));
    PITR_ASSIGN(const auto record, scanner_.FirstRecord(place, last_));
    const bool possible = record && record->start <= pending.front()->start;
    if (!possible || !MayMove()) {
      for (const ReplayAction* action : pending)
        Warn(*action, possible ? "--target-lsn " + place.ToString() + " --target-exclusive" : std::string());
      return Status::Ok();
    }
    NoteMove(pending, "everything up to " + place.ToString());
    plan_.stop.lsn = record->start;
    plan_.stop.end = record->end;
    plan_.stop.applied = false;
    plan_.stop.what = "position";
    plan_.stop.xid = 0;
    plan_.stop.time_micros = 0;
    TellServer(place, false);
    last_ = std::max(SegmentBefore(record->end, path_.segment_size()), LastSegment(plan_.backup));
    return Status::Ok();
  }

  void TellServer(Lsn lsn, bool inclusive) {
    RecoveryTarget& target = plan_.server_target.emplace(RecoveryTarget(plan_.ServerTarget()));
    target.kind = TargetKind::kLsn;
    target.lsn = lsn;
    target.inclusive = inclusive;
  }

  void NoteMove(const std::vector<const ReplayAction*>& avoided, const std::string& after) {
    std::string what;
    uint32_t database = 0;
    bool marked = false;
    const auto is_drop_of = [&](uint32_t oid) {
      return std::any_of(avoided.begin(), avoided.end(), [&](const ReplayAction* action) {
        return action->kind == Kind::kDatabaseDropped && action->oid == oid;
      });
    };
    for (const ReplayAction* action : avoided) {
      marked |= action->kind == Kind::kDatabaseInvalidated;
      if (action->kind == Kind::kDatabaseDropped || action->kind == Kind::kDatabaseInvalidated) database = action->oid;
      // Of one drop both its beginning and its end are there.
      if (action->kind == Kind::kDatabaseInvalidated && is_drop_of(action->oid)) continue;
      what += (what.empty() ? "" : ", ") + Describe(*action) +
              (action->xid != 0 ? " of transaction " + std::to_string(action->xid) : std::string()) + " at " +
              action->start.ToString();
    }
    plan_.notes.push_back(
        "The server is told to stop by position, right after " + after +
        ": between there and the target no transaction was committed, but replay would act on " + what +
        ", which comes before its commit. The rows are the same, and what it removes stays." +
        (database != 0
             ? " Of the database only the OID is known, which is what WAL has; after the recovery its name is "
               "in pg_database."
             : std::string()) +
        (database != 0 && !marked
             ? std::string(" Should the database then be refused as invalid (since 15.4 it is marked so before "
                           "its files go): UPDATE pg_database SET datconnlimit = -1 WHERE oid = ") +
                   std::to_string(database) + "."
             : std::string()));
  }

  void Warn(const ReplayAction& action, const std::string& instead) {
    plan_.notes.push_back("Replay stops between " + Describe(action) + " at " + action.start.ToString() +
                          ", which acts at once, and its commit: " + Consequence(action) + "." +
                          (instead.empty() ? " No stop before it has all transactions that belong in."
                                           : " To stop before it, with the same rows: " + instead + "."));
  }

  const Repository& repository_;
  const WalPath& path_;
  RestorePlan& plan_;
  const OpContext& ctx_;
  WalScanner scanner_;
  SegmentNo last_;
  SegmentNo searched_from_;
  std::vector<ReplayAction> actions_;
};

}  // namespace

Result<SegmentNo> FindReplayEffects(const Repository& repository, const WalPath& path, SegmentNo last,
                                    RestorePlan& plan, const OpContext& ctx, Progress* progress) {
  return EffectsFinder(repository, path, last, plan, ctx).Find(progress);
}

}  // namespace pitr
