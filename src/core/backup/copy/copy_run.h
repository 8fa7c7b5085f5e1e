// Runs the copy of a backup: lists the data directory, and batch by batch plans, lets the jobs read, puts together what
// they found, and stores it as pages of the file map.
#pragma once
#include <string>
#include <vector>

#include "core/backup/copy/backup_request.h"
#include "core/backup/copy/copy_job.h"
#include "core/backup/copy/parent_pages.h"

namespace pitr {

// What is left to be said in list and manifest when all files and their pages are stored.
struct CopiedFiles {
  DataDirectory directory;       // with the control file; sizes are those that were copied
  std::vector<PackEntry> packs;  // its own and those of earlier or interrupted backups that it refers to
  std::vector<MapPage> pages;    // of the file map, ascending by path; their packs count through `packs`
  uint64_t bytes = 0;            // of the files in the backup
  uint64_t count = 0;
  std::string boot_id;
  std::optional<ChangeOrigin> change_origin;  // of an increment
  ParentDamage parent_damage;
};

struct CopyRequest {
  const Repository& repository;
  const std::string& label;
  const BackupOptions& options;
  const BackupStart& start;
  const ParentBackup* parent;  // of an increment; else null
  const ParentMap* resumed;  // what interrupted backups stored; null: a full backup that resumes nothing, an increment
  PackTable& packs;
  PackRecord& record;
  PageFindings& pages;
  Progress& progress;
  std::atomic<int>& change_kind;  // set to the ChangeKind of an increment
};

// Blocks the calling thread, which looks at `ctx` ten times a second while the jobs work. A page is stored when every
// pack of its files is. After an error every upload has been aborted, but finished packs and pages are still there.
// Errors as BackupSession::CopyFiles; bad pages are left in `pages` and are no error here.
Result<CopiedFiles> RunCopy(const CopyRequest& request, const OpContext& ctx);

}  // namespace pitr
