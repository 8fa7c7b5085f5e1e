#include "core/backup/plan/copy_batch.h"

#include <algorithm>
#include <cassert>

#include "core/base/bytes.h"

namespace pitr {
namespace {

// Bytes in memory, at the most. Of a MiB of a file a full backup has one piece and its frame, in a vector that grows by
// doubling; an increment as many as a stretch may have (docs/design/002-incremental-backups.md, "Memory").
constexpr uint64_t kHeldOfFile = 160;
constexpr uint64_t kHeldOfMiB = 128;
constexpr uint64_t kHeldOfMiBOfIncrement = 1440;
// Of a page of the parent's map, for each byte as it is stored: checks take what they take there, and half of the rest
// is for people.
constexpr uint64_t kHeldOfPageByte = 3;

class BatchPlanner {
 public:
  BatchPlanner(const std::vector<MappedFile>& files, const ParentBackup* parent, uint64_t held_bytes)
      : files_(files), parent_(parent), held_bytes_(held_bytes) {}

  // Cuts the range where files of databases begin or end, and where a batch would be too large.
  void Add(FileRange range) {
    const uint64_t of_page = range.page == FileRange::kNoPage || parent_ == nullptr
                                 ? 0
                                 : parent_->list.pages[range.page].stored_bytes * kHeldOfPageByte;
    while (range.first < range.end) {
      const bool of_databases = IsDatabaseFile(files_[range.first].path);
      Part part{{range.first, range.first, range.page}, of_page};
      while (part.range.end < range.end) {
        const MappedFile& file = files_[part.range.end];
        const uint64_t held = HeldOf(file);
        const bool full = part.range.end > part.range.first && part.held - of_page + held > held_bytes_;
        if (full || IsDatabaseFile(file.path) != of_databases) break;
        part.held += held;
        part.range.end++;
      }
      assert(part.range.end > part.range.first);
      range.first = part.range.end;
      if (of_databases) {
        Append(part);
      } else {
        last_.push_back(part);
      }
    }
  }

  std::vector<CopyBatch> Finish() {
    // All of them at once, so that the control file's part is the last batch's.
    uint64_t held = 0;
    for (const Part& part : last_) held += part.held;
    if (held_ + held > held_bytes_ && !batches_.back().ranges.empty()) batches_.emplace_back();
    std::vector<FileRange>& ranges = batches_.back().ranges;
    for (const Part& part : last_) ranges.push_back(part.range);
    std::sort(ranges.begin(), ranges.end(), [](const FileRange& a, const FileRange& b) { return a.first < b.first; });
    return std::move(batches_);
  }

 private:
  struct Part {
    FileRange range;
    uint64_t held = 0;
  };

  uint64_t HeldOf(const MappedFile& file) const {
    return kHeldOfFile +
           (file.size_bytes + kMiB - 1) / kMiB * (parent_ == nullptr ? kHeldOfMiB : kHeldOfMiBOfIncrement);
  }

  void Append(const Part& part) {
    if (held_ + part.held > held_bytes_ && !batches_.back().ranges.empty()) {
      batches_.emplace_back();
      held_ = 0;
    }
    batches_.back().ranges.push_back(part.range);
    held_ += part.held;
  }

  const std::vector<MappedFile>& files_;
  const ParentBackup* parent_;
  const uint64_t held_bytes_;
  std::vector<CopyBatch> batches_{1};
  uint64_t held_ = 0;       // of the last of batches_
  std::vector<Part> last_;  // what is not of databases
};

// Every file that is not on a page which is kept is in one batch, and no other.
[[maybe_unused]] bool CoversAll(const std::vector<CopyBatch>& batches, size_t files, const PagePlan& pages) {
  std::vector<int> copied(files, 0);
  for (size_t page = 0; page < pages.kept.size(); page++)
    for (uint32_t i = pages.first[page]; pages.kept[page] && i < pages.first[page + 1]; i++) copied[i]++;
  for (const CopyBatch& batch : batches)
    for (const FileRange& range : batch.ranges)
      for (uint32_t i = range.first; i < range.end; i++) copied[i]++;
  return std::all_of(copied.begin(), copied.end(), [](int times) { return times == 1; });
}

}  // namespace

bool IsDatabaseFile(const std::string& path) { return path.starts_with("base/") || path.starts_with("pg_tblspc/"); }

std::vector<CopyBatch> PlanBatches(const std::vector<MappedFile>& files, const PagePlan& pages,
                                   const ParentBackup* parent, uint64_t held_bytes) {
  assert(pages.kept.empty() || pages.first.size() == pages.kept.size() + 1);
  BatchPlanner planner(files, parent, held_bytes);
  if (pages.kept.empty()) planner.Add({0, static_cast<uint32_t>(files.size())});
  for (uint32_t i = 0; i < pages.kept.size(); i++)
    if (!pages.kept[i]) planner.Add({pages.first[i], pages.first[i + 1], i});
  std::vector<CopyBatch> batches = planner.Finish();
  assert(CoversAll(batches, files.size(), pages));
  return batches;
}

}  // namespace pitr
