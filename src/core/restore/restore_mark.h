// pg_pitr.restored: what a restore leaves in a data directory to tell the server that is started there that it is a
// recovery, of what, and where it should end (docs/design/009-restored-servers.md). Never part of a backup; a copy of
// the directory carries it along. Written whole, by the restore, when recovery has ended, by the archiver and by
// pg_pitr take-over.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/pg/lsn.h"
#include "core/restore/cluster_tree.h"
#include "core/restore/recovery_settings.h"

namespace pitr {

inline constexpr std::string_view kRestoreMarkPath = "pg_pitr.restored";

// Where a recovery ended, and what that means.
struct RecoveryOutcome {
  bool as_planned = false;
  bool undone = false;  // the server opened on the timeline that it was to leave
  std::string text;     // one sentence
  Timeline parent;      // the timeline that was left, and where
  Lsn lsn;              // 0/0: unknown
  Timeline timeline;    // the new one
  int64_t seen_micros = 0;
};

struct RestoreMark {
  std::string repository;     // URL
  std::string repository_id;  // 32 hex digits
  SystemId system_id;
  std::string backup;  // label
  RecoveryMode mode = RecoveryMode::kRecover;
  bool as_copy = false;
  int64_t restored_micros = 0;
  uint32_t segment_size_bytes = 0;

  // The plan: for kRecover.
  std::string target;  // as DescribeTarget says it
  TargetKind kind = TargetKind::kLatest;
  Timeline timeline;      // that is followed
  Lsn stop_lsn;           // start of the record at which replay ends; for latest the end of the archive
  Lsn stop_end;           // end of that record; 0/0: not known
  bool applied = false;   // whether that record is replayed
  Lsn last_segment;       // start of the last segment that is replayed
  uint64_t last_xid = 0;  // of the last transaction that belongs in; 0: not known
  int64_t last_commit_micros = 0;
  Lsn last_commit_end;  // for latest: where its record ends; 0/0: not known

  // The newest whole segment that the repository had, or that was set aside here, of the timelines on which a living
  // server of this cluster would write: the one that is followed and the one written to last. By its start.
  std::map<Timeline, Lsn> newest;

  std::string config_file;                   // where the original's postgresql.conf was, if outside of its directory
  std::vector<RecoverySetting> settings;     // in postgresql.auto.conf
  std::vector<std::string> places;           // absolute: where replay makes tablespaces, outside of the data directory
  std::vector<std::string> aside_elsewhere;  // absolute: set aside outside of the cluster's directories
  Timeline reserved;                         // the number that the new timeline is to get; 0: the next free one
  Timeline used;                             // the highest number that a server here has had; 0: none is known
  std::optional<RecoveryOutcome> outcome;
  int64_t admitted_micros = 0;  // when archiving on the new timeline was first found to be right; 0: not yet
  bool taken_over = false;      // the operator has said that this server continues the cluster
};

// nullopt when there is none. kCorruption when it cannot be understood.
Result<std::optional<RestoreMark>> ReadRestoreMark(const ClusterTree& tree);
Status WriteRestoreMark(const ClusterTree& tree, const RestoreMark& mark, mode_t mode = 0600);

}  // namespace pitr
