// Which pages of its parent's file map an increment takes over unread: those of whose files every one is as the parent
// saw it. All that is known of a page is what the list says (MapPage), and what the data directory and WAL say now.
//
// A page is taken over when the same files are there (path, size, mode, inode, birth), when those that WAL does not
// tell of (all but main forks of relations) were not written since, by the time of their last change, and when the main
// forks were not written either, by their times, or WAL tells of no change in them. That needs a machine that was not
// booted since (see file_stat.h) and a source that is not to read everything. Pages of files with bad pages are read.
#pragma once
#include <vector>

#include "core/backup/changes/change_source.h"
#include "core/repo/maps/file_map.h"

namespace pitr {

// The backup that an increment builds on.
struct ParentBackup {
  BackupManifest manifest;
  MapPageList list;
};

struct PagePlan {
  std::vector<bool> kept;       // by page of the parent; empty without a parent
  std::vector<uint32_t> first;  // of each page's range the first file of the listing, and the end of the last range

  size_t kept_count() const;
};

// `listing` ascends by path. `stamps_hold`: equal stamps prove equal content. Errors as the source's.
Result<PagePlan> PlanPages(const std::vector<MappedFile>& listing, const ParentBackup& parent,
                           const ChangeSource& source, bool stamps_hold);

}  // namespace pitr
