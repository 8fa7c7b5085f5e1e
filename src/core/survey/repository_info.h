// What a repository holds, as rows that the SQL functions and the binary show alike: backups, archive ranges with their
// gaps, timelines, and how far back and forward a recovery can go. Plain values; report/info_report.h shows them.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/repo/archive/wal_catalog.h"
#include "core/repo/backups/backup_catalog.h"
#include "core/repo/backups/backup_failure.h"
#include "core/restore/branches.h"
#include "core/verify/record.h"

namespace pitr {

struct BackupRow {
  std::string label;
  std::string type;  // "full", "diff", "incr"; empty when unknown
  // "ok", "page errors", "wal missing", "not restorable", "unfinished", "expiring", "damaged", "failed"
  std::string status;
  std::string problem;  // a sentence; empty when status is "ok"
  std::string advice;   // the part of `problem` that says what an unfinished one is good for, and what becomes of it
  std::string parent_label;
  std::string change_source;  // of an increment: "page LSN", ...
  std::string change_reason;  // why that one; a sentence
  std::string server_version;
  int64_t start_micros = 0;  // wall clock of the server since 1970 UTC; 0 when unknown
  int64_t stop_micros = 0;
  Timeline timeline;
  Lsn start_lsn;
  Lsn stop_lsn;
  std::string first_segment;  // file names of the WAL a restore needs to become consistent
  std::string last_segment;
  uint64_t database_bytes = 0;
  uint64_t stored_bytes = 0;
  uint64_t file_count = 0;
  bool encrypted = false;
  bool data_checksums = false;
  uint64_t page_errors = 0;  // blocks that were damaged in the server
  // Lists for people, as backup_remarks.h makes them; empty when there is nothing to say.
  std::string not_stored;      // what was in the data directory and is not in the backup
  std::string followed_links;  // stored as what they lead to
  std::string outside_files;   // configuration that was elsewhere
  std::map<std::string, std::string> annotations;
  bool pinned = false;
  int64_t pinned_until_micros = 0;  // 0: until it is unpinned
  std::string pin_reason;
  int64_t held_until_micros = 0;  // for a restore, perhaps in the past; 0: no hold
  std::string held_by;
  // Of the newest verification that covers it, which looked at its objects: 0 and empty when there is none.
  int64_t verified_micros = 0;
  std::string verify_mode;    // "full", "sample", "quick"
  std::string verify_result;  // "good", "damage", "unchecked": of what concerns this backup
  // Of one that failed.
  std::string sqlstate;
  std::string requested_by;  // role
};

// A run of segments of one timeline that are all there, or (gap) that are all missing: between two others, or on the
// path that leads from there to a younger timeline.
struct ArchiveRow {
  Timeline timeline;
  bool gap = false;
  bool crossed = false;  // of a gap: a recovery from a backup that is there would have to cross it
  std::string first_segment;
  std::string last_segment;  // inclusive
  Lsn first_lsn;
  Lsn end_lsn;  // exclusive
  uint64_t segments = 0;
  uint64_t stored_bytes = 0;  // 0 for a gap
};

struct TimelineRow {
  Timeline timeline;
  Timeline parent;     // invalid for timeline 1 and when the history file is missing
  Lsn switch_lsn;      // where it left the parent
  std::string reason;  // from the history file
  bool history_missing = false;
  bool followed = false;              // all the same: a backup has it, or nothing before this timeline is needed
  std::vector<std::string> partials;  // names and ends, of segments that are not there as a whole
  // By the wall clock, read from its WAL when there is more than one timeline; 0: not known, or it was always there.
  int64_t began_micros = 0;
  int64_t last_commit_micros = 0;
  bool set_aside = false;  // left out of every choice
  // That its being there may send a recovery the wrong way, or have it refused: it is likely to be the successor of the
  // running server's own timeline (restore/branch_notes.h), or goes on beside that so that nothing tells which is real.
  bool endangers = false;
  std::string note;               // who set it aside, or that it was written beside the window's timeline; sentences
  int64_t newest_micros = 0;      // when its newest segment was stored, by the store's clock; 0 when unknown
  uint64_t missing_segments = 0;  // on the path to its end, from the path's oldest segment in the archive on
};

// WAL that is missing on the path along the window's timeline, between the oldest backup that leads there and its end.
struct GapRow {
  std::string missing;         // "000000010000000000000003 to 000000010000000000000007 (5 segments)"
  Lsn from_lsn;                // where recovery would end
  bool behind_newest = false;  // not even the newest usable backup is behind it
  bool expiring = false;       // retention has removed some of what follows a backup that is kept alone
  std::string remedy;          // the command that archives it from a surviving pg_wal; a sentence without its full stop
};

// From where to where a recovery can go along the timeline that goes on: the running server's own when it is known. It
// is not possible when several go on, between which nothing decides.
struct RecoveryWindow {
  bool possible = false;
  std::string problem;          // why not, a sentence
  std::string remedy;           // what to do about it; may be empty
  std::string earliest_backup;  // the oldest backup whose WAL is complete
  int64_t earliest_micros = 0;  // its stop: the earliest reachable time
  Lsn earliest_lsn;
  std::string latest_backup;  // the newest backup recovery would start from
  Timeline latest_timeline;
  std::string timeline_why;          // why that one, a clause; empty when there is no other
  std::string latest_segment;        // the end of the unbroken run that begins with latest_backup
  Lsn latest_lsn;                    // end of that segment, exclusive
  int64_t latest_commit_micros = 0;  // commit time of the last transaction in it; 0 when not read or none was found
  std::string missing_wal;           // what is missing between there and WAL that is known to follow; empty: nothing
};

struct RepositoryInfo {
  std::string repository;  // "s3://bucket/prefix"
  RepositoryMarker marker;
  std::vector<BackupRow> backups;      // ascending by stop time, then unfinished, damaged, failed
  std::vector<ArchiveRow> archive;     // ascending by timeline and position, gaps in between
  std::vector<TimelineRow> timelines;  // ascending
  RecoveryWindow window;
  std::vector<GapRow> gaps;                 // ascending
  std::vector<VerifyRecord> verifications;  // results, ascending
};

struct InfoOptions {
  // Read the last segments of the archive (at most a few) to tell the time of the last commit. A segment that cannot be
  // read is left out.
  bool read_last_commit = true;
  std::optional<Timeline> own_timeline;  // that the running server writes or follows
  int64_t own_started_micros = 0;        // when a server that writes it was started; 0: not known
  std::string data_directory;  // the running server's: failed backups that could not be recorded in the repository
};

// Lists and reads what the report needs: the manifests, wal/, the history files. kUnavailable, kPermission, kCorruption
// as read.
Result<RepositoryInfo> LoadRepositoryInfo(const Repository& repository, const InfoOptions& options,
                                          const OpContext& ctx);

// Pure: the same from catalogs at hand; latest_commit_micros stays 0.
RepositoryInfo MakeRepositoryInfo(const Repository& repository, const BackupCatalog& backups, const WalCatalog& wal,
                                  const BranchTree& branches, const InfoOptions& options,
                                  std::vector<VerifyRecord> verifications = {},
                                  const std::vector<BackupFailure>& failures = {});

}  // namespace pitr
