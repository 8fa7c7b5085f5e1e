// One base backup as the repository sees it: reserve the label, copy the data directory, write file map and manifest
// last. The caller (the server's backup worker) calls pg_backup_start before CopyFiles and pg_backup_stop after it, and
// waits for WAL before Finish. Owned by one thread, which blocks in CopyFiles while the session's own threads read,
// compress and send. Until Finish has returned ok nobody sees a backup. The destructor does not clean up: call Abandon.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/backup/life_signs.h"
#include "core/backup/pack_record.h"
#include "core/backup/parent_choice.h"
#include "core/backup/resume_choice.h"
#include "core/base/progress.h"
#include "core/repo/backup_catalog.h"
#include "core/repo/file_map.h"
#include "core/repo/repository.h"
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

class BackupSession {
 public:
  // Chooses what an increment builds on and reserves the label. kAlreadyExists (a label given by the user is taken),
  // kInvalidArgument.
  static Result<std::unique_ptr<BackupSession>> Begin(const Repository& repository, const BackupOptions& options,
                                                      const OpContext& ctx);
  ~BackupSession();
  BackupSession(const BackupSession&) = delete;
  BackupSession& operator=(const BackupSession&) = delete;

  const std::string& label() const;
  // What is taken, on what, and what the operator should know about it.
  const ParentChoice& choice() const;
  // What a full backup takes over of interrupted ones.
  const ResumeChoice& resumed() const;
  // By what an increment finds changes, once CopyFiles has chosen it. Any thread.
  std::optional<ChangeKind> change_kind() const;
  // The same with the reasons, after CopyFiles; null for a full backup.
  const ChangeOrigin* change_origin() const;
  // What of the data directory is not stored or stored otherwise, after CopyFiles: only `followed`, `skipped`,
  // `skipped_count` and `outside` are set.
  BackupManifest remarks() const;

  // Reads everything below the data directory that belongs in a base backup, in one pass. `progress` is raised
  // meanwhile; its totals are set before the first byte is read. kCorruption lists bad pages by file and block (up to a
  // limit, with the count), when all is read. Also kConflict (another cluster's directory), kCancelled, kUnavailable
  // (store), kPermission, kInternal. Memory: jobs * (3 parts of part_size_kb + about 6 MiB) and about 200 bytes for
  // each file: some 120 MiB for 4 jobs with parts of 8 MiB. An increment also holds those pages of its parent's map
  // that changed (parent_map.h), a backup that resumes others their maps: with what is stored at the most 2.3 kB for
  // each MiB of the files in them (docs/design/002-incremental-backups.md, "Memory").
  Status CopyFiles(const BackupStart& start, Progress& progress, const OpContext& ctx);

  // Writes file map and manifest. The backup exists when ok.
  Result<BackupManifest> Finish(const BackupStop& stop, const OpContext& ctx);

  // Removes everything this session stored, the start object last, but for what a later backup can take over. Best
  // effort: what could not be removed is in the status, invisible to readers, and left to the sweep.
  Status Abandon(const OpContext& ctx);
  // Stored bytes of the packs that a later backup can take over if this one is abandoned. Any thread.
  uint64_t recorded_bytes() const;

 private:
  BackupSession();
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace pitr
