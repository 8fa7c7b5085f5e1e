// Runs the copy of a backup: lists the data directory, plans, lets the jobs read, and puts together what they found.
#pragma once
#include <memory>
#include <vector>

#include "core/backup/backup_request.h"
#include "core/backup/copy_job.h"

namespace pitr {

// Everything a file map needs, without a tree of vectors: about 200 bytes a file, and what of the parent's map is read.
struct CopiedFiles {
  DataDirectory directory;       // with the control file; sizes are those that were copied
  std::vector<bool> vanished;    // files that are not in the backup after all
  std::vector<PackEntry> packs;  // its own, then those of earlier or interrupted backups that it refers to
  size_t own_packs = 0;
  std::vector<MappedFrame> frames;  // its own, ascending by pack and offset within each job's run, then the parent's
  CopiedExtents extents;            // by index in directory.files; frames count through `frames`
  uint64_t bytes = 0;               // of the files in the backup
  uint64_t count = 0;
  std::string boot_id;
  std::unique_ptr<ParentMap> parent;  // of an increment; `extents` point to it
  PagePlan pages;                     // of the parent's map
  std::vector<MapPage> kept;          // those of its pages that are taken over, in order; packs count through `packs`
  std::optional<ChangeOrigin> change_origin;  // of an increment
};

struct CopyRequest {
  const Repository& repository;
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

// Blocks the calling thread, which looks at `ctx` ten times a second while the jobs work. After an error every upload
// has been aborted, but finished packs are still there. Errors as BackupSession::CopyFiles; bad pages are left in
// `pages` and are no error here.
Result<CopiedFiles> RunCopy(const CopyRequest& request, const OpContext& ctx);

}  // namespace pitr
