#include "core/backup/plan/file_plan.h"

#include <algorithm>
#include <cassert>

#include "core/pg/control.h"
#include "core/pg/page.h"

namespace pitr {
namespace {

FileBase::Way WayOf(FileChange::Answer answer) {
  switch (answer) {
    case FileChange::Answer::kUnchanged:
      return FileBase::Way::kUnchanged;
    case FileChange::Answer::kBlocks:
      return FileBase::Way::kBlocks;
    case FileChange::Answer::kPageLsn:
      return FileBase::Way::kPageLsn;
    case FileChange::Answer::kCompare:
      return FileBase::Way::kCompare;
  }
  return FileBase::Way::kCompare;
}

// No source knows better than the sizes. What the parent does not have has changed. And where a file that has shrunk
// ends now, it may grow again before it is read, by pages of zeroes that no WAL tells of: they are not what the parent
// has there.
void AddGrowth(const ParentMap::File& parent, uint64_t size, FileBase& base, FileChange&& change) {
  if (base.way == FileBase::Way::kUnchanged && size == parent.size_bytes) return;
  if (base.way == FileBase::Way::kUnchanged) base.way = FileBase::Way::kBlocks;
  if (base.way != FileBase::Way::kBlocks) return;
  change.all_from = std::min(change.all_from, static_cast<uint32_t>(std::min(parent.size_bytes, size) / kPageSize));
  base.change = std::make_unique<const FileChange>(std::move(change));
}

// What FileBase says of its members.
[[maybe_unused]] bool IsOfOnePiece(const FileBase& base) {
  const bool stands_alone = base.way == FileBase::Way::kNew || base.way == FileBase::Way::kKept;
  return stands_alone == (base.parent == nullptr) && (base.way == FileBase::Way::kBlocks) == (base.change != nullptr);
}

}  // namespace

FilePlan PlanPagesKept(size_t files, const PagePlan& pages, const ParentMap& parent) {
  assert(pages.kept.empty() || pages.first.back() == files);
  FilePlan plan;
  plan.parent = &parent;
  plan.files.resize(files);
  for (size_t page = 0; page < pages.kept.size(); page++)
    for (uint32_t i = pages.first[page]; pages.kept[page] && i < pages.first[page + 1]; i++)
      plan.files[i].way = FileBase::Way::kKept;
  return plan;
}

Status PlanFiles(const std::vector<MappedFile>& listing, const FileRange& range, ParentCursor& cursor,
                 const ChangeSource& source, bool stamps_hold, FilePlan& plan) {
  assert(range.end <= listing.size() && plan.files.size() == listing.size());
  for (uint32_t i = range.first; i < range.end; i++) {
    const MappedFile& file = listing[i];
    FileBase& base = plan.files[i];
    const ParentMap::File* found = cursor.Seek(file.path);
    if (found == nullptr || found->has_page_errors || file.path == kControlFilePath) continue;
    base.parent = found;
    base.way = FileBase::Way::kCompare;
    const auto relation = ParseRelationPath(file.path);
    if (!relation) continue;
    const bool same_file = file.stamp.SameFile(found->stamp);
    if (stamps_hold && same_file && file.stamp.changed_nanos != 0 &&
        file.stamp.changed_nanos == found->stamp.changed_nanos && file.size_bytes == found->size_bytes) {
      base.way = FileBase::Way::kUnchanged;
      continue;
    }
    if (relation->file.fork != Fork::kMain) continue;
    PITR_ASSIGN(FileChange change, source.Ask({file.path, *relation, file.size_bytes, same_file}));
    base.way = WayOf(change.answer);
    base.keeps_time = base.way == FileBase::Way::kPageLsn || base.way == FileBase::Way::kCompare;
    AddGrowth(*found, file.size_bytes, base, std::move(change));
  }
  assert(std::all_of(plan.files.begin() + range.first, plan.files.begin() + range.end, IsOfOnePiece));
  return Status::Ok();
}

FilePlan PlanResume(const std::vector<MappedFile>& listing, const ParentMap& stored) {
  FilePlan plan;
  plan.parent = &stored;
  plan.resumes = true;
  plan.files.resize(listing.size());
  ParentCursor cursor(stored);
  for (size_t i = 0; i < listing.size(); i++) {
    const ParentMap::File* found = cursor.Seek(listing[i].path);
    if (found == nullptr || listing[i].path == kControlFilePath) continue;
    plan.files[i].parent = found;
    plan.files[i].way = FileBase::Way::kCompare;
  }
  return plan;
}

}  // namespace pitr
