// The two files that make a restored data directory a backup in the server's eyes: backup_label and
// tablespace_map, as pg_backup_stop() returns them. Parsed, never rewritten: restores write the text as it came.
// Pure functions; any thread. Format: access/transam/xlogbackup.c, xlogrecovery.c and backup functions of 15 to 19.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "core/pg/lsn.h"

namespace pitr {

struct BackupLabel {
  Lsn start;                  // START WAL LOCATION: replay begins here, the checkpoint's redo position
  std::string start_segment;  // the file name behind it
  Lsn checkpoint;             // CHECKPOINT LOCATION
  std::string method;         // BACKUP METHOD: "streamed"
  bool from_standby = false;  // BACKUP FROM
  std::string start_time;     // START TIME, in the server's log_timezone: for people
  std::string label;          // LABEL
  Timeline timeline;          // START TIMELINE
  // INCREMENTAL FROM LSN and TLI: a backup that must be combined first and cannot be started from.
  std::optional<Lsn> incremental_from;
  Timeline incremental_timeline;
};

inline constexpr size_t kMaxBackupLabelSize = 64u << 10;

// kCorruption: a line the server needs is missing or malformed. Unknown lines are ignored, as it does.
Result<BackupLabel> ParseBackupLabel(std::string_view text);

struct TablespaceLink {
  uint32_t oid = 0;      // name of the symbolic link in pg_tblspc
  std::string location;  // unescaped
  bool operator==(const TablespaceLink&) const = default;
};

// Lines "<oid> <path>"; a backslash before a newline or another backslash in the path. kCorruption.
Result<std::vector<TablespaceLink>> ParseTablespaceMap(std::string_view text);
std::string FormatTablespaceMap(const std::vector<TablespaceLink>& links);

}  // namespace pitr
