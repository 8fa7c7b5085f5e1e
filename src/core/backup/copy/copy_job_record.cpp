// How a job records a pack that it has completed.
#include <algorithm>

#include "core/backup/copy/copy_job.h"

namespace pitr {

void CopyJob::RecordPack() {
  const std::vector<MappedFrame>& frames = packs_.frames();
  if (packs_.open() || recorded_frames_ == frames.size()) return;
  const size_t first_frame = recorded_frames_;
  const size_t first_extent = recorded_extents_;
  recorded_frames_ = frames.size();
  recorded_extents_ = extents_.size();
  if (!shared_.record.Due(*ctx_.clock)) return;

  const uint32_t pack = frames[first_frame].pack;
  PartialMap map;
  map.pack = shared_.packs.entry(pack);
  map.header = shared_.record.Header(shared_.repository);
  map.header.pack_bytes = map.pack.size_bytes;
  for (size_t i = first_frame; i < frames.size(); i++) map.frames.push_back({0, frames[i].ref});
  std::vector<const PendingExtent*> extents;
  for (size_t i = first_extent; i < extents_.size(); i++)
    if (extents_[i].extent.frame != kHoleFrame) extents.push_back(&extents_[i]);
  std::sort(extents.begin(), extents.end(), [](const PendingExtent* a, const PendingExtent* b) { return *a < *b; });
  for (size_t i = 0; i < extents.size(); i++) {
    if (i == 0 || extents[i]->file != extents[i - 1]->file) {
      // The job's own, or a sliced one, which nobody changes while jobs run.
      const MappedFile& listed = shared_.directory.files[extents[i]->file];
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
  shared_.record.Store(shared_.repository, pack + 1, map, ctx_);
}

}  // namespace pitr
