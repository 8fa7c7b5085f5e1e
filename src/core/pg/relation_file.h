// What the files of a data directory are, by name: which are relations, which a base backup leaves out,
// which carry page checksums, and which directories a restored cluster must have. No file is touched.
// Paths are relative to the data directory with '/' and without "./"; tablespaces appear as
// "pg_tblspc/<oid>/PG_15_202209061/...". Pure functions; any thread.
// Sources: backup/basebackup.c, storage/file/reinit.c, common/relpath.c, initdb.c of 15 to 19.
#pragma once
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pitr {

enum class Fork { kMain = 0, kFreeSpaceMap = 1, kVisibilityMap = 2, kInit = 3 };  // values as in WAL

struct RelationFileName {
  uint32_t number = 0;  // pg_class.relfilenode
  Fork fork = Fork::kMain;
  uint32_t segment = 0;
  bool operator==(const RelationFileName&) const = default;
};

// "16384", "16384_fsm", "16384.1", "16384_vm.2"; nullopt for anything else, also for leading zeroes.
std::optional<RelationFileName> ParseRelationFileName(std::string_view name);
// "t3_16384", with fork and segment as above: a temporary relation of a session.
bool IsTemporaryRelationName(std::string_view name);
// Whether relations live directly in this directory: "global", "base/5", "pg_tblspc/16400/PG_15_.../5".
bool IsRelationDirectory(std::string_view directory);
// A file of a database cluster that consists of pages with headers (and checksums, if they are on).
bool HasPages(std::string_view path);

// A relation's file as WAL names it: 1663 is the default tablespace, 1664 the global one (with database 0).
struct RelationPath {
  uint32_t tablespace = 0;
  uint32_t database = 0;
  RelationFileName file;
  bool operator==(const RelationPath&) const = default;
};
inline constexpr uint32_t kDefaultTablespace = 1663;
inline constexpr uint32_t kGlobalTablespace = 1664;
// nullopt for anything that is not a relation's file.
std::optional<RelationPath> ParseRelationPath(std::string_view path);

// Whether only PostgreSQL's own files belong at `path`: whatever is there a recovery needs, unless TreatmentOf() leaves
// it out. False for configuration, logs and what people put into a data directory.
bool BelongsToServer(std::string_view path);

// In the names of what a restore set aside at the top of a data directory ("pg_wal.before-restore-...").
inline constexpr std::string_view kSetAsideMark = ".before-restore-";

enum class BackupTreatment {
  kCopy,
  kEmptyDirectory,  // the directory must exist after a restore, but nothing below it is copied
  kSkip,            // neither the file (or directory) nor anything below it is copied
  kCopyLast         // the control file: copied after everything else
};
// What a base backup does with this path. Unlogged relations need their directory's listing, see below.
// Takes recovery.signal and standby.signal to be skipped too: how to recover is decided at restore; and what belongs to
// this machine or to an earlier restore: sockets' names, what was set aside, marks, half-written files.
BackupTreatment TreatmentOf(std::string_view path, bool is_directory);

// The unlogged relations of one relation directory: those with an init fork among `names`.
std::set<uint32_t> UnloggedRelations(std::span<const std::string> names);
// True for files of unlogged relations that are not backed up: all but the init fork, from which
// recovery makes the relation anew (empty).
bool IsUnloggedData(std::string_view name, const std::set<uint32_t>& unlogged);

// Directories every cluster of this version has, parents before children; a restore creates those that
// the backup did not bring.
std::vector<std::string> RequiredDirectories(int pg_major);

// "PG_15_202209061": the directory of this cluster inside a tablespace location.
std::string TablespaceVersionDirectory(int pg_major, uint32_t catalog_version);
// Whether `name` is such a directory's, of whatever version.
bool IsTablespaceVersionDirectory(std::string_view name);
// The name that follows "pg_tblspc/<oid>/" in a path of a cluster; empty for one that is not below a tablespace.
std::string_view TablespaceEntryOf(std::string_view path);

}  // namespace pitr
