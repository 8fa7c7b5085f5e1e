// Sources: the directories that initdb.c makes, and who writes into them; xlogarchive.c, syslogger.c, pg_ctl.c.
#include "core/pg/server_file.h"

#include <algorithm>
#include <string>

#include "core/base/ascii.h"
#include "core/pg/relation_file.h"

namespace pitr {
namespace {

constexpr std::string_view kTopFiles[] = {
    "PG_VERSION",       "postmaster.pid",          "postmaster.opts",    "backup_label",     "backup_label.old",
    "tablespace_map",   "backup_manifest",         "tablespace_map.old", "recovery.signal",  "standby.signal",
    "promote",          "fallback_promote",        "logrotate",          "current_logfiles", "current_logfiles.tmp",
    "pg_internal.init", "postgresql.auto.conf.tmp"};
// Whatever is in these is the server's.
constexpr std::string_view kWholeDirectories[] = {"pg_dynshmem", "pg_logical",  "pg_replslot", "pg_snapshots",
                                                  "pg_stat",     "pg_stat_tmp", "pg_twophase"};
// These hold files named by hexadecimal numbers.
constexpr std::string_view kNumberedDirectories[] = {
    "pg_xact", "pg_commit_ts", "pg_subtrans", "pg_serial", "pg_notify", "pg_multixact/members", "pg_multixact/offsets"};
constexpr std::string_view kRelationDirectoryFiles[] = {"PG_VERSION", "pg_filenode.map", "pg_control",
                                                        "config_exec_params"};
constexpr std::string_view kWalNames[] = {"archive_status", "summaries", "RECOVERYXLOG", "RECOVERYHISTORY"};
// Of this program: marks, files that are being written, the spool. Which repositories a cluster archives to is part of
// its configuration.
constexpr std::string_view kOurPrefix = "pg_pitr.";
constexpr std::string_view kOurConfiguration = "pg_pitr.repository";
constexpr std::string_view kSocketName = ".s.PGSQL.";
constexpr std::string_view kTemporaryName = "pgsql_tmp";

template <size_t N>
bool IsOneOf(std::string_view name, const std::string_view (&names)[N]) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

bool IsNumber(std::string_view text) { return !text.empty() && std::all_of(text.begin(), text.end(), IsDigit); }
bool IsHex(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789ABCDEF") == std::string_view::npos;
}

bool IsTopName(std::string_view name) {
  if (name.find(kSetAsideMark) != std::string_view::npos || name == kOurConfiguration) return false;
  if (IsOneOf(name, kTopFiles) || IsOneOf(name, kWholeDirectories) || IsOneOf(name, kNumberedDirectories)) return true;
  return name == "base" || name == "global" || name == "pg_tblspc" || name == "pg_wal" || name == "pg_multixact" ||
         name.starts_with(kOurPrefix) || name.starts_with(kSocketName);
}

bool IsRelationDirectoryName(std::string_view name) {
  if (name.ends_with(".tmp")) name.remove_suffix(4);
  return IsOneOf(name, kRelationDirectoryFiles) || name.starts_with("pg_internal.init") ||
         name.starts_with("config_exec_params") || ParseRelationFileName(name).has_value() ||
         IsTemporaryRelationName(name);
}

// Segments, partial ones, histories: hexadecimal, then perhaps more.
bool IsWalName(std::string_view name) {
  if (IsOneOf(name, kWalNames) || name.starts_with("xlogtemp.")) return true;
  const std::string_view number = name.substr(0, name.find('.'));
  const std::string_view rest = name.substr(number.size());
  if (!IsHex(number)) return false;
  if (number.size() == 8) return rest == ".history";
  return number.size() == 24 && (rest.empty() || rest == ".partial" || rest.ends_with(".backup"));
}

}  // namespace

bool IsServerFile(std::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return IsTopName(path);
  const std::string_view directory = path.substr(0, slash), name = path.substr(slash + 1);
  const std::string_view top = path.substr(0, path.find('/'));
  if (!IsTopName(top)) return false;
  // At any depth.
  if (path.find("/" + std::string(kTemporaryName)) != std::string_view::npos || name.ends_with(".pg_pitr.tmp"))
    return true;
  if (IsOneOf(top, kWholeDirectories)) return true;
  if (IsOneOf(directory, kNumberedDirectories)) return IsHex(name);
  if (path == "pg_multixact/members" || path == "pg_multixact/offsets") return true;
  if (top == "pg_wal") {
    if (directory == top)
      return IsWalName(name) || (name.starts_with(kOurPrefix) && path.find(kSetAsideMark) == std::string_view::npos);
    return directory.starts_with("pg_wal/archive_status") || directory.starts_with("pg_wal/summaries") ||
           directory.starts_with("pg_wal/pg_pitr.spool");
  }
  if (IsRelationDirectory(directory)) return IsRelationDirectoryName(name);
  if (directory == "base" || directory == "pg_tblspc") return IsNumber(name);
  if (top == "pg_tblspc") {
    const size_t version = directory.rfind('/');
    if (name.starts_with("PG_")) return IsNumber(directory.substr(version + 1));
    return directory.substr(version + 1).starts_with("PG_") && IsNumber(name);
  }
  return false;
}

}  // namespace pitr
