// What a base backup is asked for, and what the server says of it at its start and stop. Plain values.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/backup/copy/life_signs.h"
#include "core/backup/copy/pack_record.h"
#include "core/backup/plan/copy_batch.h"
#include "core/backup/plan/parent_choice.h"
#include "core/repo/manifest.h"
#include "core/store/rate_limit.h"

namespace pitr {

struct BackupOptions {
  std::string label;                    // empty: made from the time and type, "20260522-090014F"
  BackupType type = BackupType::kFull;  // asked for; see BackupSession::type()
  // For increments: what the server writes now, where, and how long a chain may become.
  Timeline timeline;
  std::string data_directory;
  uint32_t max_chain_length = 30;
  DamageFinder damage_of;              // as in ParentRequest
  std::string change_source = "auto";  // the setting
  bool summarizes_wal = false;         // the server keeps WAL summaries
  bool verify_changes = false;         // read everything, and fail if the change source was wrong
  std::map<std::string, std::string> annotations;
  int jobs = 2;
  std::shared_ptr<RateLimit> rate = std::make_shared<RateLimit>(0);  // may be changed while files are copied
  // Full backups: take over what interrupted ones stored, and leave what is stored to the next one when this one is
  // interrupted.
  bool resume = true;
  int64_t record_after_millis = kRecordAfterMillis;
  bool allow_page_errors = false;  // store the backup even when pages fail their checksum, and record them
  std::string started_by;          // "host orders-db, process 4711"
  int64_t life_sign_millis = kLifeSignMillis;
  uint64_t held_map_bytes = kHeldMapBytes;  // of the file map, before pages of it are stored
};

// What pg_backup_start told and pg_control says.
struct BackupStart {
  std::string data_directory;
  Lsn start_lsn;
  Timeline timeline;
  std::string server_version;
  bool data_checksums = false;
  int64_t start_micros = 0;
  // Configuration files that the server reads, absolute paths, by the setting that names them.
  std::vector<OutsideFile> configuration;
  std::vector<ServerSetting> settings;  // as in the manifest
};

// What pg_backup_stop told.
struct BackupStop {
  Lsn stop_lsn;
  Timeline stop_timeline;
  int64_t stop_micros = 0;
  std::string backup_label;
  std::string tablespace_map;
  std::string history;  // of stop_timeline, as pg_wal has it; empty for timeline 1, or when it is not there
};

}  // namespace pitr
