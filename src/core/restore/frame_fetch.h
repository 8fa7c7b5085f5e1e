// Fetches the frames that hold needed extents and writes the extents to their files: large ranged reads in the order of
// the packs, each byte once, each frame decoded once however many files share it.
//
// Memory: jobs * (kPackReadBytes + one frame), and some 150 bytes for each pack.
#pragma once
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/base/progress.h"
#include "core/repo/manifest.h"
#include "core/repo/maps/file_map.h"
#include "core/repo/maps/pack_read.h"
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
  FrameFetcher(const Repository& repository, const BackupManifest& backup, int jobs, Progress& progress);
  ~FrameFetcher();

  // `needed` of the files of `map`, a window of the backup's. kCorruption names the backup, the pack and the offset, or
  // the file whose extent does not have its checksum. kNotFound: a pack is gone. Errors of `write` as they are.
  Status Fetch(const FileMap& map, const std::vector<NeededExtent>& needed, const Write& write, const OpContext& ctx);

  uint64_t bytes_fetched() const { return fetched_.load(); }

 private:
  struct Worker;
  // What is to be fetched, and where it goes.
  struct Wanted {
    const FileMap& map;
    const std::vector<NeededExtent>& extents;
    const Write& write;
  };
  Status FetchOne(const PackRead& range, const Wanted& wanted, Worker& worker, int number, const OpContext& ctx);
  Status Read(const PackRead& range, Worker& worker, const OpContext& ctx);
  Status OpenPack(uint32_t pack, Worker& worker, const OpContext& ctx);
  static Status Decode(const Wanted& wanted, const NeededExtent& needed, uint64_t begin, Worker& worker);

  const Repository& repository_;
  const BackupManifest& backup_;
  Progress& progress_;
  std::vector<std::unique_ptr<Worker>> workers_;  // each for one thread at a time
  std::atomic<uint64_t> fetched_{0};
  std::mutex mutex_;
  std::map<uint32_t, Bytes> headers_;  // by pack; protected by mutex_
};

}  // namespace pitr
