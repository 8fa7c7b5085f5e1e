#include "core/restore/extent_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "core/store/file_error.h"

namespace pitr {
namespace {

constexpr uint32_t kEarlyWriteBytes = 512U << 10;

}  // namespace

ExtentWriter::ExtentWriter(const ClusterTree& tree, const FileMap& map, WrittenFiles& files, int jobs)
    : tree_(tree), map_(map), files_(files), workers_(static_cast<size_t>(std::max(jobs, 1))) {}

Status ExtentWriter::Write(const NeededExtent& which, const Extent& extent, ByteView bytes, int number) {
  Worker& worker = workers_[static_cast<size_t>(number)];
  if (worker.file != which.file) {
    worker.file = UINT32_MAX;
    worker.fd.reset();
    PITR_ASSIGN(worker.fd, files_.Open(which.file, map_.files[which.file].path));
    worker.file = which.file;
  }
  return which.held ? WriteBlocks(worker, extent, bytes) : WriteAt(worker, extent.file_offset, bytes);
}

Status ExtentWriter::WriteBlocks(Worker& worker, const Extent& extent, ByteView bytes) {
  worker.held.resize(bytes.size());
  size_t have = 0;
  while (have < bytes.size()) {
    const ssize_t got = pread(worker.fd->get(), worker.held.data() + have, bytes.size() - have,
                              static_cast<off_t>(extent.file_offset + have));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return FileError(errno, "reading \"" + Where(worker) + "\"");
    if (got == 0) break;
    have += static_cast<size_t>(got);
  }
  const auto differs = [&](size_t at) {
    const size_t length = std::min<size_t>(kWriteBlockBytes, bytes.size() - at);
    return at + length > have || std::memcmp(worker.held.data() + at, bytes.data() + at, length) != 0;
  };
  for (size_t at = 0; at < bytes.size();) {
    if (!differs(at)) {
      at += kWriteBlockBytes;
      continue;
    }
    size_t end = at;
    while (end < bytes.size() && differs(end)) end += kWriteBlockBytes;
    end = std::min(end, bytes.size());
    PITR_TRY(WriteAt(worker, extent.file_offset + at, bytes.subspan(at, end - at)));
    at = end;
  }
  return Status::Ok();
}

Status ExtentWriter::WriteAt(const Worker& worker, uint64_t offset, ByteView bytes) {
  for (size_t done = 0; done < bytes.size();) {
    const ssize_t put =
        pwrite(worker.fd->get(), bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset + done));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return FileError(errno, "writing \"" + Where(worker) + "\"");
    done += static_cast<size_t>(put);
  }
  written_.fetch_add(bytes.size(), std::memory_order_relaxed);
  // Begins to write to disk now what has to be there at the end anyway. Only a wish: fsync says whether it worked.
  if (bytes.size() >= kEarlyWriteBytes)
    (void)sync_file_range(worker.fd->get(), static_cast<off_t>(offset), static_cast<off_t>(bytes.size()),
                          SYNC_FILE_RANGE_WRITE);
  return Status::Ok();
}

}  // namespace pitr
