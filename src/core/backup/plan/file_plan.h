// What an increment does with each file of the data directory: read and store, compare with the parent's, read some
// blocks, or refer to the parent without reading. A full backup that resumes others compares with what these stored.
// What jobs are going to copy is planned before they begin, batch by batch, and constant while they do; any thread.
#pragma once
#include <cassert>
#include <memory>
#include <vector>

#include "core/backup/changes/change_source.h"
#include "core/backup/changes/page_plan.h"
#include "core/backup/extents/block_split.h"
#include "core/backup/extents/parent_map.h"
#include "core/backup/plan/copy_batch.h"

namespace pitr {

struct FileBase {
  enum class Way : uint8_t { kNew, kKept, kUnchanged, kBlocks, kPageLsn, kCompare };  // kKept: with its page
  Way way = Way::kNew;
  // Whether the time of the file's last change still proves its content to a later backup: everything that was written
  // up to it has been read, by this backup or by one whose time it is. Not so where WAL says what to read: the file may
  // have been written between the backup's start and the look at it.
  bool keeps_time = true;
  const ParentMap::File* parent = nullptr;   // in the map, while it has it; null exactly for kNew and kKept
  std::unique_ptr<const FileChange> change;  // kBlocks only
};

struct FilePlan {
  const ParentMap* parent = nullptr;  // borrowed; null for a full backup that resumes nothing
  std::vector<FileBase> files;        // as the listing; empty without a parent
  PageLsnRule page_rule;
  bool resumes = false;           // `parent` is what interrupted backups stored
  bool verify = false;            // read everything, and prove what is referred to
  bool hints_may_differ = false;  // equal pages may differ in bits that are not logged

  // Null for a file without a parent, and for one of whose parent nothing needs to be known.
  const FileBase* BaseOf(uint32_t index) const {
    assert(parent == nullptr || index < files.size());
    if (parent == nullptr || files[index].parent == nullptr) return nullptr;
    return &files[index];
  }
  // Whether the file is taken over as it is, unread.
  bool Skips(uint32_t index) const {
    if (parent == nullptr) return false;
    assert(index < files.size());
    return files[index].way == FileBase::Way::kKept || (!verify && files[index].way == FileBase::Way::kUnchanged);
  }
};

// Before anything is known but what pages are taken over. `parent` is borrowed.
FilePlan PlanPagesKept(size_t files, const PagePlan& pages, const ParentMap& parent);

// Plans the files of a range, joining the listing with the parent's map, in which the cursor must not be past them.
// `stamps_hold`: equal stamps prove equal content. Errors as the source's.
Status PlanFiles(const std::vector<MappedFile>& listing, const FileRange& range, ParentCursor& cursor,
                 const ChangeSource& source, bool stamps_hold, FilePlan& plan);

// Everything is read; what has the checksum that `stored` has for it is referred to.
FilePlan PlanResume(const std::vector<MappedFile>& listing, const ParentMap& stored);

}  // namespace pitr
