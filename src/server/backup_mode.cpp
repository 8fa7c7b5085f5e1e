// Backup mode through SPI, so that every PostgreSQL version does it its own way.
#include "server/backup_mode.h"

#include <algorithm>
#include <sstream>

#include "core/backup/data/kept_settings.h"
#include "core/repo/wal/history_source.h"
#include "server/pg.h"
#include "server/server_state.h"

extern "C" {
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"
}

namespace pitr::server {
namespace {

constexpr int kMaxColumns = 3;

// Runs one query that gives one row, in a transaction of its own; the row's values as texts in the top memory context.
void RunQuery(const char* sql, int arguments, Oid* types, Datum* values, char** texts) {
  try {
    PgCall([=] {
      SetCurrentStatementStartTimestamp();
      StartTransactionCommand();
      SPI_connect();
      PushActiveSnapshot(GetTransactionSnapshot());
      const int code = SPI_execute_with_args(sql, arguments, types, values, NULL, false, 1);
      if (code != SPI_OK_SELECT || SPI_processed != 1) {
        ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
                        errmsg_internal("pg_pitr: unexpected result %d of \"%s\"", code, sql)));
      }
      for (int i = 0; i < SPI_tuptable->tupdesc->natts && i < kMaxColumns; i++) {
        char* value = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, i + 1);
        texts[i] = value ? MemoryContextStrdup(TopMemoryContext, value) : NULL;
      }
      SPI_finish();
      PopActiveSnapshot();
      CommitTransactionCommand();
      MemoryContextSwitchTo(TopMemoryContext);
    });
  } catch (const PgError&) {
    PgCall([] {
      AbortCurrentTransaction();
      MemoryContextSwitchTo(TopMemoryContext);
    });
    throw;
  }
}

std::string TakeText(char* text) {
  if (text == nullptr) return "";
  std::string copy = text;
  pfree(text);
  return copy;
}

Result<Lsn> TakeLsn(char* text) {
  const std::string lsn_text = TakeText(text);
  const auto lsn = Lsn::Parse(lsn_text);
  if (!lsn) return Status(Code::kInternal, "unexpected LSN \"" + lsn_text + "\"");
  return *lsn;
}

// The configuration that the server reads, as it reads it: a restored server needs all of it.
std::vector<OutsideFile> ConfigurationFiles() {
  std::vector<OutsideFile> files;
  for (const char* setting : {"config_file", "hba_file", "ident_file"}) {
    const char* path = PgCall([setting] { return GetConfigOption(setting, true, false); });
    if (path != nullptr && path[0] != '\0') files.push_back({setting, path});
  }
  char* texts[kMaxColumns] = {};
  RunQuery("SELECT pg_catalog.string_agg(DISTINCT sourcefile, E'\\n') FROM pg_catalog.pg_file_settings", 0, nullptr,
           nullptr, texts);
  std::istringstream included(TakeText(texts[0]));
  for (std::string path; std::getline(included, path);)
    if (std::none_of(files.begin(), files.end(), [&](const OutsideFile& file) { return file.path == path; }))
      files.push_back({"include", path});
  return files;
}

// What the configuration files give another value than the default, as they have it now: the running server still has
// what was taken out of them after a recovery, or waits for a restart. A file that cannot be read whole (its row has no
// name) says nothing of what it lacks.
std::vector<ServerSetting> ConfiguredSettings() {
  char* texts[kMaxColumns] = {};
  RunQuery(
      "WITH files AS (SELECT DISTINCT ON (pg_catalog.lower(name)) pg_catalog.lower(name) AS name, setting "
      "FROM pg_catalog.pg_file_settings ORDER BY pg_catalog.lower(name), seqno DESC) "
      "SELECT pg_catalog.string_agg(pg_catalog.concat_ws(E'\\x1f', s.name, s.vartype, "
      "coalesce(f.setting, pg_catalog.current_setting(s.name))), E'\\x1e') "
      "FROM pg_catalog.pg_settings s LEFT JOIN files f ON f.name = pg_catalog.lower(s.name) "
      "WHERE s.source = 'configuration file' AND s.setting IS DISTINCT FROM s.boot_val "
      "AND (f.name IS NOT NULL OR EXISTS (SELECT FROM files WHERE name IS NULL))",
      0, nullptr, nullptr, texts);
  std::vector<FoundSetting> found;
  std::istringstream rows(TakeText(texts[0]));
  for (std::string row; std::getline(rows, row, '\x1e');) {
    FoundSetting& setting = found.emplace_back();
    std::istringstream fields(row);
    std::getline(fields, setting.name, '\x1f');
    std::getline(fields, setting.type, '\x1f');
    std::getline(fields, setting.value, '\0');
  }
  return KeptSettings(found);
}

}  // namespace

Result<BackupStart> EnterBackupMode(const std::string& label, bool fast) {
  BackupStart start;
  const char* label_text = label.c_str();
  Datum values[2] = {PgCall([label_text] { return CStringGetTextDatum(label_text); }), BoolGetDatum(fast)};
  Oid types[2] = {TEXTOID, BOOLOID};
  char* texts[kMaxColumns] = {};
  RunQuery("SELECT pg_catalog.pg_backup_start($1, $2)::pg_catalog.text", 2, types, values, texts);
  // Not before: what was committed while pg_backup_start() waited for its checkpoint is in the backup.
  start.start_micros = SystemClock().WallMicros();
  PITR_ASSIGN(start.start_lsn, TakeLsn(texts[0]));
  start.data_directory = DataDir;
  start.timeline = {GetWALInsertionTimeLine()};
  start.server_version = ServerVersion();
  const char* checksums = PgCall([] { return GetConfigOption("data_checksums", true, false); });
  start.data_checksums = checksums != nullptr && std::string(checksums) == "on";
  start.configuration = ConfigurationFiles();
  start.settings = ConfiguredSettings();
  return start;
}

Result<BackupStop> LeaveBackupMode() {
  char* texts[kMaxColumns] = {};
  RunQuery("SELECT lsn::pg_catalog.text, labelfile, spcmapfile FROM pg_catalog.pg_backup_stop(false)", 0, nullptr,
           nullptr, texts);
  BackupStop stop;
  PITR_ASSIGN(stop.stop_lsn, TakeLsn(texts[0]));
  stop.backup_label = TakeText(texts[1]);
  stop.tablespace_map = TakeText(texts[2]);
  stop.stop_timeline = {GetWALInsertionTimeLine()};
  stop.stop_micros = SystemClock().WallMicros();
  if (stop.stop_timeline.value > 1) {
    auto text = LocalHistoryText("pg_wal", stop.stop_timeline);
    if (text.ok()) stop.history = std::move(text).value();
  }
  return stop;
}

}  // namespace pitr::server
