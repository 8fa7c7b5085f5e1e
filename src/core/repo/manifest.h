// The summary of one backup: backup/<label>/manifest. Written last; a backup without it does not exist.
// One JSON object inside the envelope; unknown fields are ignored on reading.
#pragma once
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/pg/lsn.h"
#include "core/repo/repository.h"

namespace pitr {

// How an increment learned which blocks to store. The names are part of the format.
enum class ChangeKind { kFullRead, kPageLsn, kChangeMaps, kWalSummaries };
std::string_view ChangeKindName(ChangeKind kind);  // "full read", "page LSN", "change maps", "WAL summaries"

struct ChangeOrigin {
  ChangeKind kind = ChangeKind::kFullRead;
  std::string why;         // sentences for people
  bool fell_back = false;  // a cheaper way was missing although it was to be there; not stored
};

enum class BackupType { kFull, kDiff, kIncr };
std::string_view BackupTypeName(BackupType type);  // "full", "diff", "incr"

struct TablespaceEntry {
  uint32_t oid = 0;
  std::string path;       // where it was on the server
  bool in_place = false;  // a directory inside pg_tblspc rather than a link
};

struct PackEntry {
  std::string key;
  uint64_t size_bytes = 0;  // of the stored object
};

// Pages of file maps: data/<label>/page.<first> to page.<last>.
struct MapPageRun {
  std::string label;
  uint32_t first = 0;
  uint32_t last = 0;

  uint64_t size() const { return uint64_t{last} - first + 1; }
};

struct PageError {
  std::string path;
  uint32_t block = 0;
};

// A symbolic link in the data directory of which what it led to is in the backup: restored, it is that.
struct FollowedLink {
  std::string path;    // relative to the data directory
  std::string target;  // as it was written in the link
};

// What was in the data directory and is not in the backup, although no rule leaves it out.
struct SkippedEntry {
  std::string path;
  std::string kind;    // "symbolic link", "socket", "pipe", "device"
  std::string target;  // of a link
  std::string why;     // a clause
};

// A configuration file of the server that lies outside of the data directory, so that it is not in the backup.
struct OutsideFile {
  std::string setting;  // "config_file", "hba_file", "ident_file"; "include" for what these include
  std::string path;     // absolute
};

// A setting of the server that its configuration files gave another value than the default. Without a value where that
// may be a secret.
struct ServerSetting {
  std::string name;
  std::optional<std::string> value;  // as the file had it
};

struct BackupManifest {
  int version = 1;
  std::string label;
  BackupType type = BackupType::kFull;
  std::string parent_label;                   // incr, diff: what it builds on
  uint32_t chain_length = 1;                  // backups from the full one up to and with this one
  std::optional<ChangeOrigin> change_origin;  // incr, diff
  ClusterIdentity cluster;
  std::string server_version;  // "15.18"
  std::string tool_version;
  int64_t start_micros = 0;  // wall clock of the server, UTC
  int64_t stop_micros = 0;
  Timeline timeline;       // of the start
  Timeline stop_timeline;  // differs only when a standby was promoted meanwhile
  Lsn start_lsn;           // redo point: WAL is needed from here
  Lsn checkpoint_lsn;
  Lsn stop_lsn;              // consistent from here
  std::string backup_label;  // file contents as pg_backup_stop gave them
  std::string tablespace_map;
  std::string history;  // the history file of the timeline that it ended on; empty for timeline 1, or when not known
  std::vector<TablespaceEntry> tablespaces;
  uint64_t database_bytes = 0;  // sum of file sizes
  uint64_t stored_bytes = 0;    // what this backup added to the repository (packs and file map)
  uint64_t fetch_bytes = 0;     // stored bytes of the frames that the file map refers to; 0: not known
  uint64_t file_count = 0;
  bool encrypted = false;
  bool data_checksums = false;
  std::string boot_id;                 // of the machine; empty when not known
  std::vector<PageError> page_errors;  // empty unless the operator allowed a backup with bad pages
  std::vector<FollowedLink> followed;  // ascending by path, as are the next two
  std::vector<SkippedEntry> skipped;   // at most kMaxSkippedNamed
  uint64_t skipped_count = 0;
  std::vector<OutsideFile> outside;
  std::vector<ServerSetting> settings;  // ascending by name; empty when nobody knows
  std::map<std::string, std::string> annotations;
  std::vector<PackEntry>
      packs;                    // of this and, for increments, of earlier backups; the file map refers to them by index
  std::string file_map_key;     // backup/<label>/files
  uint64_t file_map_bytes = 0;  // stored size
  std::string file_map_sha256;  // of its plain content, in hexadecimal: no other map may be taken for it
  std::vector<MapPageRun> map_pages;
  uint64_t map_page_bytes = 0;  // stored size of all pages
};

inline constexpr size_t kMaxSkippedNamed = 1000;
inline constexpr uint64_t kMaxMapPages = 1000000;  // a few thousand files, or some 10 GB of the cluster, each

// Whether `text` is a SHA-256 in lower-case hexadecimal.
bool IsSha256Hex(std::string_view text);

// The keys of the pages of the backup's file map, in no order that tells anything.
void ForEachMapPage(const BackupManifest& manifest, const std::function<void(std::string key)>& each);
// The same, and the keys of its packs: all that it may share with other backups.
void ForEachDataObject(const BackupManifest& manifest, const std::function<void(std::string key)>& each);

// The timeline the backup ended on.
Timeline StopTimeline(const BackupManifest& manifest);
// The first WAL segment and the last one a restore to consistency needs.
SegmentNo FirstSegment(const BackupManifest& manifest);
SegmentNo LastSegment(const BackupManifest& manifest);

std::string EncodeManifest(const BackupManifest& manifest);
// kCorruption naming what is missing or wrong; kInvalidArgument for a newer version.
Result<BackupManifest> DecodeManifest(std::string_view json);

Result<BackupManifest> ReadManifest(const Repository& repository, const std::string& label, const OpContext& ctx);

// For whoever named a backup that was looked for and is not there: kNotFound, with where the names are.
Status NoSuchBackup(const std::string& label);
// For whoever named a backup whose manifest cannot be read: `why`, with the ways out.
Status UnreadableBackup(const std::string& label, Status why);

}  // namespace pitr
