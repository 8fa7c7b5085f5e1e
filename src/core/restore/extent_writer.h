// Writes extents to the files of a restore. Where a file had bytes before, only the blocks that differ are written, so
// that a delta restore dirties no page that was right: less to sync, and snapshots and thin volumes keep what they
// share.
//
// Any thread; each worker number is used by one thread at a time. Memory: one extent a worker.
#pragma once
#include <atomic>
#include <vector>

#include "core/repo/maps/file_map.h"
#include "core/restore/cluster_tree.h"
#include "core/restore/file_prepare.h"
#include "core/restore/written_files.h"

namespace pitr {

// PostgreSQL's block. For files of other structure it is as good a size as any.
inline constexpr uint32_t kWriteBlockBytes = 8192;

class ExtentWriter {
 public:
  // All borrowed. The files exist with their sizes; `files` is to sync them.
  ExtentWriter(const ClusterTree& tree, const FileMap& map, WrittenFiles& files, int jobs);

  // FileError.
  Status Write(const NeededExtent& which, const Extent& extent, ByteView bytes, int worker);

  uint64_t bytes_written() const { return written_.load(); }

 private:
  struct Worker {
    uint32_t file = UINT32_MAX;  // the file written last
    std::shared_ptr<UniqueFd> fd;
    Bytes held;
  };
  Status WriteBlocks(Worker& worker, const Extent& extent, ByteView bytes);
  Status WriteAt(const Worker& worker, uint64_t offset, ByteView bytes);
  std::string Where(const Worker& worker) const { return tree_.Locate(map_.files[worker.file].path); }

  const ClusterTree& tree_;
  const FileMap& map_;
  WrittenFiles& files_;
  std::vector<Worker> workers_;
  std::atomic<uint64_t> written_{0};
};

}  // namespace pitr
