// What a restore is going to do: the backup, the WAL, and the exact point at which replay stops. Values; planner.h
// makes them.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/base/progress.h"
#include "core/pg/control.h"
#include "core/repo/archive/wal_catalog.h"
#include "core/repo/backups/backup_catalog.h"
#include "core/repo/backups/damage_finder.h"
#include "core/restore/branch_choice.h"
#include "core/restore/target.h"
#include "core/restore/wal_path.h"

namespace pitr {

// The record at which replay ends.
struct PreparedLate {
  Lsn start;  // of the record
  uint32_t xid = 0;
  int64_t micros = 0;
};

struct StopPoint {
  bool known = false;    // false for latest and immediate, whose end is a position only
  Lsn lsn;               // start of the record (inclusive: it is applied; exclusive or time: see `applied`)
  Lsn end;               // of that record; 0/0 when there is none
  bool applied = false;  // whether the record itself is replayed
  std::string what;      // "commit", "abort", "preparation", "restore point", "position"
  uint64_t xid = 0;
  int64_t time_micros = 0;
  std::string name;
  // The last transaction that will be there, for the operator.
  uint64_t last_commit_xid = 0;
  int64_t last_commit_micros = 0;
  Lsn last_commit_end;  // of its record; for latest only
  // For a time: prepared after it, and before the record at which the server stops by itself.
  std::vector<PreparedLate> prepared_late;
};

// What replay will do up to the stop besides changing pages.
struct ReplayEffects {
  struct NewTablespace {
    uint32_t oid = 0;
    std::string path;  // absolute: replay makes it there, wherever the data directory is. Empty: inside it
    Lsn at;
  };
  std::vector<NewTablespace> tablespaces;  // in order; one that is dropped later is among them, too
  // The largest values that WAL on the way says the server had, 0 for what it does not say: recovery must be allowed
  // no less. What held when the backup was taken is in its control file.
  RecoveryLimits limits;
  // Replay passes a place where a hot standby ends with an error (prepared_fork.h).
  bool without_hot_standby = false;
};

struct RestorePlan {
  RecoveryTarget target;
  ReplayEffects replay;
  BackupManifest backup;
  Timeline target_timeline;
  std::string history;       // of target_timeline, when backups have it and the archive does not; else empty
  std::string timeline_why;  // why that one, a clause; empty when there is no other
  // What the server is told instead of `target`, which would not end where it should, or leave half done what is
  // being dropped (replay_effects.h). Its timeline is set when a
  // standby that follows the newest timeline by number would take another branch. nullopt: `target`.
  std::optional<RecoveryTarget> server_target;
  const RecoveryTarget& ServerTarget() const { return server_target ? *server_target : target; }
  // Whether a tablespace that is a directory inside pg_tblspc comes with the backup or is made by replay: recovery ends
  // with an error when it finds one there, unless allow_in_place_tablespaces is on.
  bool NeedsInPlaceTablespaces() const;
  StopPoint stop;
  std::vector<WalSpan> wal;  // to be replayed, in order; every segment was found
  uint64_t wal_segments = 0;
  // The last of them, when the archive has only its beginning: a partial segment. wal-get hands it out when it is told
  // to.
  std::string partial_segment;
  uint64_t fetch_bytes = 0;        // stored bytes to be read, at most about that (docs/json.md)
  uint64_t restore_bytes = 0;      // plain bytes written
  uint64_t objects_checked = 0;    // present with the right size
  int64_t estimated_seconds = 0;   // rough; 0: unknown
  std::vector<std::string> notes;  // what the operator should know: later matches of a name, clock order, page errors
  // The newest segment that the archive had of the timeline that is followed and of the one that was written to last,
  // by its start: should one of them grow, a server lives there.
  std::map<Timeline, Lsn> newest;
  Timeline highest;  // of all that the archive knows
};

}  // namespace pitr
