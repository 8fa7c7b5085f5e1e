// One base backup as the repository sees it: reserve the label, copy the data directory, write the list of the file
// map's pages and the manifest last. The caller (the server's backup worker) calls pg_backup_start before CopyFiles and
// pg_backup_stop after it, and waits for WAL before Finish. Owned by one thread, which blocks in CopyFiles while the
// session's own threads read, compress and send. Until Finish has returned ok nobody sees a backup. The destructor does
// not clean up: call Abandon.
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "core/backup/copy/backup_request.h"
#include "core/backup/plan/parent_choice.h"
#include "core/backup/plan/resume_choice.h"
#include "core/base/progress.h"
#include "core/repo/manifest.h"
#include "core/repo/repository.h"

namespace pitr {

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
  // kCorruption, with detail and hint, when CopyFiles found that the backup on which this one builds is damaged. This
  // one needs nothing of what is.
  Status parent_damage() const;
  // What of the data directory is not stored or stored otherwise, after CopyFiles: only `followed`, `skipped`,
  // `skipped_count` and `outside` are set.
  BackupManifest remarks() const;

  // Reads everything below the data directory that belongs in a base backup, in one pass. `progress` is raised
  // meanwhile; its totals are set before the first byte is read, and fall by what need not be read after all.
  // kCorruption lists bad pages by file and block (up to a limit, with the count), when all is read. Also kConflict
  // (another cluster's directory), kCancelled, kUnavailable (store), kPermission, kInternal. Memory: jobs * (3 parts of
  // part_size_kb + about 6 MiB), some 120 MiB for 4 jobs with parts of 8 MiB; about 200 bytes for each file, and 400
  // for each page of the file map; and of file maps, its own and its parent's, twice held_map_bytes, beyond that no
  // more than of one file (copy_batch.h). A backup that resumes others holds their maps, some 40 bytes for each MiB
  // that they stored. One that is to be resumable itself takes up to 6 MiB a job for the record of a pack.
  Status CopyFiles(const BackupStart& start, Progress& progress, const OpContext& ctx);

  // Writes the list of the file map's pages, and the manifest. The backup exists when ok.
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
