#include "core/backup/extents/stored_extents.h"

#include <algorithm>
#include <cassert>
#include <iterator>

namespace pitr {
namespace {

bool BeginsBefore(const Extent& a, const Extent& b) { return a.file_offset < b.file_offset; }

[[maybe_unused]] bool HasOverlap(const std::vector<Extent>& extents) {
  return std::adjacent_find(extents.begin(), extents.end(),
                            [](const Extent& a, const Extent& b) { return a.end() > b.file_offset; }) != extents.end();
}

std::vector<FileSpan> SpansOf(const std::vector<Extent>& extents) {
  std::vector<FileSpan> spans;
  for (const Extent& extent : extents) {
    if (!spans.empty() && spans.back().to == extent.file_offset) {
      spans.back().to = extent.end();
    } else {
      spans.push_back({extent.file_offset, extent.end()});
    }
  }
  return spans;
}

}  // namespace

void StoredExtents::Add(std::span<PendingExtent> extents) {
  std::sort(extents.begin(), extents.end());
  for (size_t i = 0; i < extents.size();) {
    const uint32_t file = extents[i].file;
    of_file_.clear();
    for (; i < extents.size() && extents[i].file == file; i++) of_file_.push_back(extents[i].extent);
    runs_.push_back({file, 0, extents_.Add(of_file_)});
  }
}

void CopiedExtents::Take(StoredExtents&& stored, uint32_t first_frame) {
  for (StoredExtents::Run& run : stored.runs_) {
    run.first_frame = first_frame;
    runs_.push_back(run);
  }
  packed_.push_back(std::move(stored.extents_));
  stored.runs_ = {};
  std::sort(runs_.begin(), runs_.end(),
            [](const StoredExtents::Run& a, const StoredExtents::Run& b) { return a.file < b.file; });
}

std::vector<Extent> CopiedExtents::OwnOf(uint32_t file) const {
  std::vector<Extent> own;
  auto run = std::lower_bound(runs_.begin(), runs_.end(), file,
                              [](const StoredExtents::Run& each, uint32_t wanted) { return each.file < wanted; });
  for (; run != runs_.end() && run->file == file; ++run) {
    size_t added = own.size();
    PackedExtents::Read(run->extents, {0, UINT64_MAX}, own);
    for (; added < own.size(); added++)
      if (own[added].frame != kHoleFrame) own[added].frame += run->first_frame;
  }
  // Slices of a file are copied in any order, and a full frame is known sooner than the small pieces before it.
  std::sort(own.begin(), own.end(), BeginsBefore);
  assert(!HasOverlap(own));
  return own;
}

std::vector<Extent> CopiedExtents::ReferencesOf(uint32_t file, uint64_t size_bytes,
                                                const std::vector<Extent>& own) const {
  std::vector<Extent> references;
  if (parent_ == nullptr || bases_[file] == nullptr) return references;
  const FileSpan all{0, size_bytes};
  const std::vector<Extent> extents = parent_->ExtentsOf(*bases_[file], all);
  for (const FileSpan& span : Complement(SpansOf(own), all)) ReferTo(extents, span, references);
  return references;
}

Status CopiedExtents::TakeParent(const ParentMap& parent, std::vector<const ParentMap::File*> bases,
                                 const std::vector<MappedFile>& files, std::vector<MappedFrame>& frames,
                                 ParentPacks& packs) {
  constexpr uint32_t kUnused = UINT32_MAX;
  assert(parent_ == nullptr && bases.size() == files.size());
  parent_ = &parent;
  bases_ = std::move(bases);
  const std::vector<MappedFrame>& theirs = parent.frames();
  frame_numbers_.assign(theirs.size(), kUnused);
  for (uint32_t i = 0; i < files.size(); i++) {
    if (bases_[i] == nullptr) continue;
    for (const Extent& extent : ReferencesOf(i, files[i].size_bytes, OwnOf(i))) frame_numbers_[extent.frame] = 0;
  }
  for (size_t i = 0; i < theirs.size(); i++) {
    if (frame_numbers_[i] == kUnused) continue;
    if (frames.size() == UINT32_MAX) return {Code::kInternal, "too many frames in one backup"};
    frame_numbers_[i] = static_cast<uint32_t>(frames.size());
    frames.push_back({packs.Take(theirs[i].pack), theirs[i].ref});
  }
  return Status::Ok();
}

std::vector<Extent> CopiedExtents::Of(uint32_t file, uint64_t size_bytes) const {
  std::vector<Extent> own = OwnOf(file);
  std::vector<Extent> references = ReferencesOf(file, size_bytes, own);
  std::erase_if(own, [](const Extent& extent) { return extent.frame == kHoleFrame; });
  if (references.empty()) return own;
  for (Extent& extent : references) {
    assert(frame_numbers_[extent.frame] != UINT32_MAX);
    extent.frame = frame_numbers_[extent.frame];
  }
  std::vector<Extent> all;
  all.reserve(own.size() + references.size());
  std::merge(own.begin(), own.end(), references.begin(), references.end(), std::back_inserter(all), BeginsBefore);
  assert(!HasOverlap(all));
  return all;
}

size_t CopiedExtents::held_bytes() const {
  size_t bytes = runs_.capacity() * sizeof(StoredExtents::Run);
  for (const PackedExtents& packed : packed_) bytes += packed.held_bytes();
  return bytes;
}

}  // namespace pitr
