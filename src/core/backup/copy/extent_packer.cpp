#include "core/backup/copy/extent_packer.h"

#include <algorithm>
#include <cassert>

#include "core/base/hash.h"

namespace pitr {
namespace {

constexpr size_t kPackExtentsAt = 4096;  // extents that wait to be packed

}  // namespace

ExtentPacker::ExtentPacker(const PackTarget& target, const std::vector<MappedFile>& files, const OpContext& ctx)
    : target_(target),
      files_(files),
      ctx_(ctx),
      writer_(target.repository, target.packs, target.upload_pool, target.progress, ctx,
              target.record.wanted() ? kMaxPackOpenMillis : INT64_MAX) {
  staged_.reserve(kDataFramePlainBytes);
}

Status ExtentPacker::Store(uint32_t file, uint64_t offset, ByteView bytes, Zeroes zeroes) {
  assert(bytes.size() <= kDataFramePlainBytes);
  if (AllZero(bytes)) {
    if (zeroes == Zeroes::kHole) LeaveHole(file, {offset, offset + bytes.size()});
    return Status::Ok();
  }
  PendingExtent pending{
      .file = file,
      .extent = {.file_offset = offset, .length = static_cast<uint32_t>(bytes.size()), .check = Xxh3Of(bytes)}};
  if (bytes.size() == kDataFramePlainBytes) {
    PITR_ASSIGN(pending.extent.frame, writer_.Append(bytes));
    extents_.push_back(pending);
    RecordPack();
    return Status::Ok();
  }
  // Blocks of relations lie where the blocks of the frame's checks do.
  if (bytes.size() % kCheckedBlockBytes == 0 && !staged_.empty())
    staged_.resize((staged_.size() + kCheckedBlockBytes - 1) / kCheckedBlockBytes * kCheckedBlockBytes);
  if (staged_.size() + bytes.size() > kDataFramePlainBytes) PITR_TRY(FlushStaged());
  pending.extent.frame_offset = static_cast<uint32_t>(staged_.size());
  staged_.insert(staged_.end(), bytes.begin(), bytes.end());
  staged_extents_.push_back(pending);
  return Status::Ok();
}

void ExtentPacker::LeaveHole(uint32_t file, FileSpan span) {
  if (span.from >= span.to) return;
  extents_.push_back({.file = file,
                      .extent = {.file_offset = span.from,
                                 .length = static_cast<uint32_t>(span.to - span.from),
                                 .frame = kHoleFrame,
                                 .checked = false}});
}

Status ExtentPacker::Tidy() {
  if (extents_.size() >= kPackExtentsAt) PackExtents();
  // Those of the pack that is open, and of the frame that is being filled, wait for its record.
  if (target_.record.wanted() && extents_.size() + staged_extents_.size() >= kMaxRecordedExtents) return Close();
  return Status::Ok();
}

Status ExtentPacker::Close() {
  PITR_TRY(FlushStaged());
  PITR_TRY(writer_.Close());
  RecordPack();
  PackExtents();
  return Status::Ok();
}

Status ExtentPacker::FlushStaged() {
  if (staged_.empty()) return Status::Ok();
  PITR_ASSIGN(const uint32_t frame, writer_.Append(staged_));
  for (PendingExtent& pending : staged_extents_) {
    pending.extent.frame = frame;
    extents_.push_back(pending);
  }
  staged_.clear();
  staged_extents_.clear();
  RecordPack();
  PackExtents();
  return Status::Ok();
}

void ExtentPacker::PackExtents() {
  const size_t count = target_.record.wanted() && writer_.open() ? recorded_extents_ : extents_.size();
  stored_.Add(std::span(extents_).first(count));
  extents_.erase(extents_.begin(), extents_.begin() + static_cast<ptrdiff_t>(count));
  recorded_extents_ -= std::min(count, recorded_extents_);
}

void ExtentPacker::RecordPack() {
  const std::vector<MappedFrame>& frames = writer_.frames();
  if (writer_.open() || recorded_frames_ == frames.size()) return;
  const size_t first_frame = std::exchange(recorded_frames_, frames.size());
  const size_t first_extent = std::exchange(recorded_extents_, extents_.size());
  if (!target_.record.Due(*ctx_.clock)) return;
  target_.record.Store(target_.repository, frames[first_frame].pack + 1, MapOf(first_frame, first_extent), ctx_);
}

// Of the pack that is complete now: these are its first frame and the first extent in it.
PartialMap ExtentPacker::MapOf(size_t first_frame, size_t first_extent) const {
  const std::vector<MappedFrame>& frames = writer_.frames();
  PartialMap map;
  map.pack = target_.packs.entry(frames[first_frame].pack);
  map.header = target_.record.Header(target_.repository);
  map.header.pack_bytes = map.pack.size_bytes;
  for (size_t i = first_frame; i < frames.size(); i++) map.frames.push_back({0, frames[i].ref});
  std::vector<const PendingExtent*> extents;
  for (size_t i = first_extent; i < extents_.size(); i++)
    if (extents_[i].extent.frame != kHoleFrame) extents.push_back(&extents_[i]);
  std::sort(extents.begin(), extents.end(), [](const PendingExtent* a, const PendingExtent* b) { return *a < *b; });
  for (size_t i = 0; i < extents.size(); i++) {
    if (i == 0 || extents[i]->file != extents[i - 1]->file) {
      // The job's own, or a sliced one, which nobody changes while jobs run.
      const MappedFile& listed = files_[extents[i]->file];
      MappedFile& file = map.files.emplace_back();
      file.path = listed.path;
      file.size_bytes = listed.size_bytes;
      file.mode = listed.mode;
      file.mtime_micros = listed.mtime_micros;
    }
    Extent extent = extents[i]->extent;
    extent.frame -= static_cast<uint32_t>(first_frame);
    map.files.back().extents.push_back(extent);
  }
  return map;
}

}  // namespace pitr
