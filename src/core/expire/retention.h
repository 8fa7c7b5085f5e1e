// Which backups a retention policy keeps, and why. Pure: facts in, one verdict a backup out.
//
// The rules (docs/design/004-retention.md): without a limit (number of full backups, or age) every backup is kept.
// Limits count restorable full backups only, apart for every timeline that is alive, and a backup that any rule keeps
// is kept. One with damaged pages is not counted, and is never all that is left while there is one without. Increments
// live and end with their full backup. Monthly keepers and pinned backups are kept for themselves: of the WAL only what
// makes them consistent. What is being restored is kept with all WAL after it. When nothing restorable would be left,
// nothing goes.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "core/base/calendar_span.h"
#include "core/pg/history.h"
#include "core/repo/manifest.h"

namespace pitr {

struct RetentionPolicy {
  int full = 0;          // so many full backups; 0: no limit by number
  int diff = 0;          // so many differential backups; 0: all that their full backups allow
  CalendarSpan age;      // every moment since then can be recovered to; empty: no limit by age
  CalendarSpan monthly;  // the first full backup of each month is kept for this long
  bool LimitsBackups() const { return full > 0 || !age.empty(); }
  bool empty() const { return !LimitsBackups() && diff == 0; }  // deletes nothing
};

struct BackupFacts {
  std::string label;
  BackupType type = BackupType::kFull;
  std::string parent_label;
  Timeline timeline;
  Timeline stop_timeline;
  Lsn start_lsn;
  Lsn stop_lsn;
  int64_t stop_micros = 0;
  // File map, packs and the WAL to become consistent are all there, and nothing of it is known to be damaged.
  bool restorable = true;
  std::string damage;             // what a verification has found, a clause; empty: nothing
  std::string flaw;               // pages that were damaged when it was taken, a clause; empty: none
  std::string held_for;           // why it must stay whatever the policy says ("pinned: ..."); empty: nothing holds it
  bool held_for_restore = false;  // with all WAL from its start on
};

// What limits count and what may be relied upon alone.
inline bool IsSound(const BackupFacts& backup) { return backup.restorable && backup.flaw.empty(); }

struct TimelineFacts {
  Timeline timeline;
  std::optional<TimelineHistory> path;  // nullopt: its history file is missing or damaged
  int64_t newest_micros = 0;            // when its newest segment was stored
  bool undated = false;                 // of which the store does not tell for all: it may be just now
};

struct RetentionFacts {
  std::vector<BackupFacts> backups;      // ascending by stop time
  std::vector<TimelineFacts> timelines;  // ascending
  int64_t now_micros = 0;
};

enum class Keep {
  kNo,
  kAlone,   // itself, with the WAL it needs to become consistent
  kWindow,  // with all WAL from its start on
};

struct Verdict {
  Keep keep = Keep::kWindow;
  std::string why;  // a phrase
};

// One verdict for each of facts.backups.
std::vector<Verdict> DecideRetention(const RetentionPolicy& policy, const RetentionFacts& facts);

// `micros` less the span; the last day of a month when the month has no such day.
int64_t TimeBefore(int64_t micros, const CalendarSpan& span);

}  // namespace pitr
