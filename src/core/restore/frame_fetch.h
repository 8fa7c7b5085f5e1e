// Fetches the frames that hold needed extents and writes the extents to their files: large ranged reads in the order of
// the packs, each byte once, each frame decoded once however many files share it.
//
// Memory: jobs * (kFetchRangeBytes + one frame), whatever the size of the backup.
#pragma once
#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "core/base/progress.h"
#include "core/repo/file_map.h"
#include "core/repo/manifest.h"
#include "core/restore/file_prepare.h"

namespace pitr {

inline constexpr uint64_t kFetchRangeBytes = uint64_t{8} << 20;
// Unneeded bytes that are read rather than asking again.
inline constexpr uint64_t kFetchGapBytes = uint64_t{128} << 10;

// One read: part of a pack and the needed extents (indexes into the sorted list) whose frames it covers.
struct FetchRange {
  uint32_t pack = 0;
  uint64_t begin = 0;
  uint64_t end = 0;
  size_t first = 0;
  size_t count = 0;
};

// `needed` ascending by place, as PrepareFiles leaves it. Pure.
std::vector<FetchRange> PlanFetches(const FileMap& map, const std::vector<NeededExtent>& needed,
                                    uint64_t range_bytes = kFetchRangeBytes, uint64_t gap_bytes = kFetchGapBytes);

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
  Status FetchOne(const FetchRange& range, const std::vector<NeededExtent>& needed, Worker& worker, int number,
                  const Write& write, const OpContext& ctx);
  Status OpenPack(uint32_t pack, Worker& worker, const OpContext& ctx);
  Status WriteExtents(const FetchRange& range, const std::vector<NeededExtent>& needed, Worker& worker, int number,
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
