// Tables of names, and the matching rules the server uses for them.
#include "core/pg/relation_file.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "core/base/ascii.h"

namespace pitr {
namespace {

constexpr std::string_view kForkSuffixes[] = {"", "_fsm", "_vm", "_init"};
constexpr std::string_view kTemporaryPrefix = "pgsql_tmp";  // files and directories, at any depth
constexpr std::string_view kControlFile = "global/pg_control";
constexpr std::string_view kVersionFile = "PG_VERSION";
constexpr size_t kMaxOidDigits = 10;

constexpr std::string_view kServerDirectories[] = {"base",    "global",    "pg_commit_ts", "pg_logical", "pg_multixact",
                                                   "pg_stat", "pg_tblspc", "pg_twophase",  "pg_xact"};

// Of a restore by pg_pitr: its mark, and files that are being written.
constexpr std::string_view kRestoreMark = "pg_pitr.restore";
constexpr std::string_view kHalfWrittenSuffix = ".pg_pitr.tmp";
// A socket in the data directory, and its lock file: taken to another machine, that could name a living process.
constexpr std::string_view kSocketPrefix = ".s.PGSQL.";

// Existing but empty in a restored cluster: the server removes or rebuilds the contents at start, or
// they belong to this machine (replication slots), or come from the archive (pg_wal).
constexpr std::string_view kEmptyDirectories[] = {"pg_dynshmem",  "pg_notify",   "pg_replslot", "pg_serial",
                                                  "pg_snapshots", "pg_stat_tmp", "pg_subtrans"};
constexpr std::string_view kWalDirectory = "pg_wal";
constexpr std::string_view kWalSubdirectories[] = {"pg_wal/archive_status", "pg_wal/summaries"};

struct FileRule {
  std::string_view name;
  bool prefix;         // every name that starts so
  bool any_directory;  // else only at the top of the data directory
};
constexpr FileRule kSkippedFiles[] = {
    {"postgresql.auto.conf.tmp", false, true},
    {"current_logfiles.tmp", false, true},
    {"pg_internal.init", true, true},  // relation cache, rebuilt at start
    {"backup_label", false, true},     // ours is written from what pg_backup_stop() returned
    {"tablespace_map", false, true},
    {"backup_manifest", false, true},  // of the backup this cluster was once restored from
    {"postmaster.pid", false, true},
    {"postmaster.opts", false, true},
    {".DS_Store", false, true},
    {"backup_label.old", false, false},
    {"tablespace_map.old", false, false},
    {"pg_pitr.archived", false, false},         // counters of this server
    {"pg_pitr.backup_failures", false, false},  // of this server, on their way to the repository
    {"pg_pitr.directory", false, false},        // where this server's directory is
    {"pg_pitr.restored", false, false},         // says how this directory came to be, not the cluster
    {"recovery.signal", false, false},
    {"standby.signal", false, false},
};

bool AllDigits(std::string_view text) { return !text.empty() && std::all_of(text.begin(), text.end(), IsDigit); }

// A positive decimal number without leading zeroes at the start of `text`; removed from it.
std::optional<uint32_t> TakeNumber(std::string_view& text) {
  if (text.empty() || text[0] < '1' || text[0] > '9') return std::nullopt;
  uint32_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return value;
}

// Removes digits; false when there are none.
bool SkipDigits(std::string_view& text) {
  const size_t size = std::find_if_not(text.begin(), text.end(), IsDigit) - text.begin();
  text.remove_prefix(size);
  return size > 0;
}

// Removes "_fsm", "_vm" or "_init". Main fork when there is no underscore; nullopt for another word.
std::optional<Fork> TakeFork(std::string_view& text) {
  if (text.empty() || text[0] != '_') return Fork::kMain;
  for (size_t i = 1; i < std::size(kForkSuffixes); ++i)
    if (text.starts_with(kForkSuffixes[i])) {
      text.remove_prefix(kForkSuffixes[i].size());
      return static_cast<Fork>(i);
    }
  return std::nullopt;
}

std::string_view Directory(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}
std::string_view Name(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

bool IsBelow(std::string_view path, std::string_view directory) {
  return path.size() > directory.size() && path.starts_with(directory) && path[directory.size()] == '/';
}

bool IsSkippedFile(std::string_view path) {
  const std::string_view name = Name(path);
  for (const FileRule& rule : kSkippedFiles) {
    if (!rule.any_directory && name.size() != path.size()) continue;
    if (rule.prefix ? name.starts_with(rule.name) : name == rule.name) return true;
  }
  return false;
}

bool IsLeftover(std::string_view path) {
  const std::string_view top = path.substr(0, path.find('/'));
  return top.find(kSetAsideMark) != std::string_view::npos || top == kRestoreMark || top.starts_with(kSocketPrefix) ||
         path.ends_with(kHalfWrittenSuffix);
}

// Temporary files and directories are named so at any level of the path.
bool IsTemporaryPath(std::string_view path) {
  return path.starts_with(kTemporaryPrefix) || path.find("/" + std::string(kTemporaryPrefix)) != std::string_view::npos;
}

}  // namespace

std::optional<RelationFileName> ParseRelationFileName(std::string_view name) {
  RelationFileName parsed;
  const auto number = TakeNumber(name);
  if (!number) return std::nullopt;
  parsed.number = *number;
  const auto fork = TakeFork(name);
  if (!fork) return std::nullopt;
  parsed.fork = *fork;
  if (!name.empty() && name[0] == '.') {
    name.remove_prefix(1);
    const auto segment = TakeNumber(name);
    if (!segment) return std::nullopt;
    parsed.segment = *segment;
  }
  if (!name.empty()) return std::nullopt;
  return parsed;
}

bool IsTemporaryRelationName(std::string_view name) {
  if (name.empty() || name[0] != 't') return false;
  name.remove_prefix(1);
  if (!SkipDigits(name) || name.empty() || name[0] != '_') return false;
  name.remove_prefix(1);
  if (!SkipDigits(name) || !TakeFork(name)) return false;
  if (!name.empty() && name[0] == '.') {
    name.remove_prefix(1);
    if (!SkipDigits(name)) return false;
  }
  return name.empty();
}

bool IsRelationDirectory(std::string_view directory) {
  if (directory == "global") return true;
  if (!AllDigits(Name(directory))) return false;
  const std::string_view parent = Directory(directory);
  if (parent == "base") return true;
  const std::string_view tablespace = Directory(parent);
  return Name(parent).starts_with("PG_") && AllDigits(Name(tablespace)) && Directory(tablespace) == "pg_tblspc";
}

bool HasPages(std::string_view path) {
  return IsRelationDirectory(Directory(path)) && ParseRelationFileName(Name(path)).has_value();
}

bool BelongsToServer(std::string_view path) {
  if (path == kVersionFile) return true;
  const size_t slash = path.find('/');
  const std::string_view top = path.substr(0, slash);
  if (std::find(std::begin(kServerDirectories), std::end(kServerDirectories), top) == std::end(kServerDirectories))
    return false;
  if (top != "pg_tblspc" || slash == std::string_view::npos) return true;
  std::string_view oid = path.substr(slash + 1);
  oid = oid.substr(0, oid.find('/'));
  return AllDigits(oid) && oid.size() <= kMaxOidDigits;
}

std::optional<RelationPath> ParseRelationPath(std::string_view path) {
  const std::string_view directory = Directory(path);
  const auto file = ParseRelationFileName(Name(path));
  if (!file || !IsRelationDirectory(directory)) return std::nullopt;
  if (directory == "global") return RelationPath{kGlobalTablespace, 0, *file};
  std::string_view database_text = Name(directory);
  const auto database = TakeNumber(database_text);
  if (!database) return std::nullopt;
  if (Directory(directory) == "base") return RelationPath{kDefaultTablespace, *database, *file};
  std::string_view tablespace_text = Name(Directory(Directory(directory)));
  const auto tablespace = TakeNumber(tablespace_text);
  if (!tablespace) return std::nullopt;
  return RelationPath{*tablespace, *database, *file};
}

BackupTreatment TreatmentOf(std::string_view path, bool is_directory) {
  if (IsTemporaryPath(path) || IsLeftover(path)) return BackupTreatment::kSkip;
  for (std::string_view directory : kEmptyDirectories) {
    if (path == directory) return BackupTreatment::kEmptyDirectory;  // also when it is a symbolic link
    if (IsBelow(path, directory)) return BackupTreatment::kSkip;
  }
  if (path == kWalDirectory) return BackupTreatment::kEmptyDirectory;
  for (std::string_view directory : kWalSubdirectories)
    if (path == directory) return BackupTreatment::kEmptyDirectory;
  if (IsBelow(path, kWalDirectory)) return BackupTreatment::kSkip;
  if (is_directory) return BackupTreatment::kCopy;
  if (path == kControlFile) return BackupTreatment::kCopyLast;
  if (IsSkippedFile(path)) return BackupTreatment::kSkip;
  if (IsRelationDirectory(Directory(path)) && IsTemporaryRelationName(Name(path))) return BackupTreatment::kSkip;
  return BackupTreatment::kCopy;
}

std::set<uint32_t> UnloggedRelations(std::span<const std::string> names) {
  std::set<uint32_t> unlogged;
  for (const std::string& name : names) {
    const auto parsed = ParseRelationFileName(name);
    if (parsed && parsed->fork == Fork::kInit) unlogged.insert(parsed->number);
  }
  return unlogged;
}

bool IsUnloggedData(std::string_view name, const std::set<uint32_t>& unlogged) {
  const auto parsed = ParseRelationFileName(name);
  return parsed && parsed->fork != Fork::kInit && unlogged.contains(parsed->number);
}

std::vector<std::string> RequiredDirectories(int pg_major) {
  std::vector<std::string> directories = {"base",
                                          "global",
                                          "pg_commit_ts",
                                          "pg_dynshmem",
                                          "pg_logical",
                                          "pg_logical/mappings",
                                          "pg_logical/snapshots",
                                          "pg_multixact",
                                          "pg_multixact/members",
                                          "pg_multixact/offsets",
                                          "pg_notify",
                                          "pg_replslot",
                                          "pg_serial",
                                          "pg_snapshots",
                                          "pg_stat",
                                          "pg_stat_tmp",
                                          "pg_subtrans",
                                          "pg_tblspc",
                                          "pg_twophase",
                                          "pg_wal",
                                          "pg_wal/archive_status",
                                          "pg_xact"};
  if (pg_major >= 17) directories.insert(directories.end() - 1, "pg_wal/summaries");
  return directories;
}

std::string TablespaceVersionDirectory(int pg_major, uint32_t catalog_version) {
  return "PG_" + std::to_string(pg_major) + "_" + std::to_string(catalog_version);
}

bool IsTablespaceVersionDirectory(std::string_view name) {
  constexpr std::string_view digits = "0123456789";
  if (!name.starts_with("PG_")) return false;
  const size_t second = name.find('_', 3);
  return second != std::string_view::npos && second > 3 && second + 1 < name.size() &&
         name.substr(3, second - 3).find_first_not_of(digits) == std::string_view::npos &&
         name.substr(second + 1).find_first_not_of(digits) == std::string_view::npos;
}

std::string_view TablespaceEntryOf(std::string_view path) {
  constexpr std::string_view kParent = "pg_tblspc/";
  if (!path.starts_with(kParent)) return {};
  const size_t slash = path.find('/', kParent.size());
  if (slash == std::string_view::npos) return {};
  return path.substr(slash + 1, path.find('/', slash + 1) - slash - 1);
}

}  // namespace pitr
