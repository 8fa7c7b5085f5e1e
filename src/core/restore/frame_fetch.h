// Fetches the frames that hold needed extents and writes the extents to their files: large ranged reads in the order of
// the packs, each byte once, each frame decoded once however many files share it.
//
// Memory: jobs * (kPackReadBytes + one frame), whatever the size of the backup.
#pragma once
#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "core/base/progress.h"
#include "core/repo/file_map.h"
#include "core/repo/manifest.h"
#include "core/repo/pack_read.h"
#include "core/restore/file_prepare.h"

namespace pitr {

// The reads that cover the frames of `needed`, which is ascending by place, as PrepareFiles leaves it. Pure.
std::vector<PackRead> PlanFetches(const FileMap& map, const std::vector<NeededExtent>& needed,
                                  uint64_t range_bytes = kPackReadBytes, uint64_t gap_bytes = kPackGapBytes);

class FrameFetcher {
 public:
  // Where an extent's bytes go. Called from several threads, never twice for one extent.
  using Write = std::function<Status(const NeededExtent& which, const Extent& extent, ByteView bytes, int worker)>;

  // All borrowed for the fetcher's life.
  FrameFetcher(const Repository& repository, const std::vector<PackEntry>& packs, const FileMap& map,
               Progress& progress)
      : repository_(repository), packs_(packs), map_(map), progress_(progress) {}

  // kCorruption names the pack and the offset, or the file whose extent does not have its checksum. kNotFound: a pack
  // is gone.
  Status Fetch(const std::vector<NeededExtent>& needed, int jobs, const Write& write, const OpContext& ctx);

  uint64_t bytes_fetched() const { return fetched_.load(); }

 private:
  struct Worker;
  Status FetchOne(const PackRead& range, const std::vector<NeededExtent>& needed, Worker& worker, int number,
                  const Write& write, const OpContext& ctx);
  Status OpenPack(uint32_t pack, Worker& worker, const OpContext& ctx);
  Status WriteExtents(const PackRead& range, const std::vector<NeededExtent>& needed, Worker& worker, int number,
                      const Write& write);

  const Repository& repository_;
  const std::vector<PackEntry>& packs_;
  const FileMap& map_;
  Progress& progress_;
  std::atomic<uint64_t> fetched_{0};
  std::mutex mutex_;
  std::map<uint32_t, Bytes> headers_;  // by pack; protected by mutex_
};

}  // namespace pitr
