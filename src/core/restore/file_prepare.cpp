#include "core/restore/file_prepare.h"

#include <fcntl.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>

#include "core/base/parallel_for.h"
#include "core/store/file_error.h"

namespace pitr {
namespace {

constexpr size_t kZeroCheckBytes = size_t{256} << 10;

struct Worker {
  Bytes buffer;
  std::vector<NeededExtent> needed;
  std::vector<uint32_t> changed;
  uint64_t files = 0;
  uint64_t compared = 0;
};

Status ReadAt(int fd, uint64_t offset, std::span<uint8_t> out, const std::string& where) {
  for (size_t done = 0; done < out.size();) {
    const ssize_t got = pread(fd, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return FileError(errno, "reading \"" + where + "\"");
    if (got == 0) return {Code::kUnavailable, "\"" + where + "\" became shorter while it was read"};
    done += static_cast<size_t>(got);
  }
  return Status::Ok();
}

// Sees to it that the file's bytes are read from disk. False when some of what was written to it is lost.
bool IsOnDisk(int fd) {
  if (fsync(fd) != 0) return false;
  // Pages that could not be written back once are in memory as if they had been.
  posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
  return true;
}

// Bytes that no extent covers are zero in the backup; returns whether they had to be made so.
Result<bool> ClearGap(int fd, uint64_t begin, uint64_t end, Bytes& buffer, const std::string& where) {
  bool cleared = false;
  for (uint64_t at = begin; at < end;) {
    const size_t length = static_cast<size_t>(std::min<uint64_t>(end - at, kZeroCheckBytes));
    if (buffer.size() < length) buffer.resize(length);
    PITR_TRY(ReadAt(fd, at, std::span(buffer).first(length), where));
    if (std::any_of(buffer.begin(), buffer.begin() + static_cast<ptrdiff_t>(length),
                    [](uint8_t byte) { return byte != 0; })) {
      cleared = true;
      std::fill_n(buffer.begin(), length, uint8_t{0});
      for (size_t done = 0; done < length;) {
        const ssize_t put = pwrite(fd, buffer.data() + done, length - done, static_cast<off_t>(at + done));
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return FileError(errno, "writing \"" + where + "\"");
        done += static_cast<size_t>(put);
      }
    }
    at += length;
  }
  return cleared;
}

class Preparer {
 public:
  Preparer(const ClusterTree& tree, const FileMap& map, WrittenFiles& files, Progress& progress)
      : tree_(tree), map_(map), files_(files), progress_(progress) {}

  Status Prepare(uint32_t index, Worker& worker, const OpContext& ctx) {
    const MappedFile& file = map_.files[index];
    PITR_ASSIGN(UniqueFd fd, OpenWritable(file));
    struct stat info;
    const std::string where = tree_.Locate(file.path);
    if (fstat(fd.get(), &info) != 0) return FileError(errno, "looking at \"" + where + "\"");
    if (!S_ISREG(info.st_mode)) return {Code::kConflict, "\"" + where + "\" is not a regular file"};
    uint64_t held = static_cast<uint64_t>(info.st_size);
    // What cannot be brought to disk is written anew.
    if (held > 0 && !IsOnDisk(fd.get())) {
      if (ftruncate(fd.get(), 0) != 0) return FileError(errno, "emptying \"" + where + "\"");
      info.st_size = 0;
      held = 0;
    }
    bool changed = false;
    // Another name elsewhere leads to the same bytes (a copy made of hard links, pg_upgrade --link): they are not ours
    // to change. Somebody else's file cannot be given the right mode, and who starts the server may not read it.
    if (info.st_nlink > 1 || (geteuid() != 0 && info.st_uid != geteuid())) {
      changed = true;
      PITR_ASSIGN(fd, CopyAnew(fd.get(), file, std::min(held, file.size_bytes), where));
      if (fstat(fd.get(), &info) != 0) return FileError(errno, "looking at \"" + where + "\"");
    }
    if (static_cast<uint64_t>(info.st_size) != file.size_bytes) {
      changed = true;
      if (ftruncate(fd.get(), static_cast<off_t>(file.size_bytes)) != 0)
        return FileError(errno, "resizing \"" + where + "\"");
    }
    PITR_TRY(tree_.GiveToOwner(fd.get(), file.path));
    if ((info.st_mode & 07777) != (file.mode & 07777)) {
      changed = true;
      if (fchmod(fd.get(), file.mode & 07777) != 0) return FileError(errno, "changing the mode of \"" + where + "\"");
    }
    const size_t needed = worker.needed.size();
    PITR_ASSIGN(const bool cleared, Compare(fd.get(), index, std::min(held, file.size_bytes), where, worker, ctx));
    if (changed || cleared) worker.changed.push_back(index);
    ++worker.files;
    if (worker.needed.size() == needed) progress_.files_done.fetch_add(1, std::memory_order_relaxed);
    // An empty one may just have been made.
    if (!changed && !cleared && held > 0 && worker.needed.size() == needed) return Status::Ok();
    return files_.Keep(index, file.path, std::move(fd));
  }

 private:
  Result<UniqueFd> Open(const MappedFile& file) const {
    return tree_.OpenFile(file.path, O_RDWR | O_CREAT | O_NONBLOCK, file.mode & 07777);
  }

  Result<UniqueFd> OpenWritable(const MappedFile& file) const {
    auto fd = Open(file);
    if (fd.code() != Code::kPermission) return fd;
    // Read-only, or another user's.
    if (tree_.SetMode(file.path, (file.mode & 07777) | S_IRUSR | S_IWUSR).ok()) {
      fd = Open(file);
      if (fd.code() != Code::kPermission) return fd;
    }
    PITR_TRY(tree_.Unlink(file.path));
    return Open(file);
  }

  // A file of our own in the place of an open one, with its first `length` bytes.
  Result<UniqueFd> CopyAnew(int from, const MappedFile& file, uint64_t length, const std::string& where) const {
    PITR_TRY(tree_.Unlink(file.path));
    PITR_ASSIGN(UniqueFd fd, Open(file));
    loff_t at = 0;
    while (static_cast<uint64_t>(at) < length) {
      loff_t to = at;
      const ssize_t copied = copy_file_range(from, &at, fd.get(), &to, length - static_cast<uint64_t>(at), 0);
      if (copied < 0 && errno == EINTR) continue;
      // What the file system cannot copy by itself is fetched: the file only seems shorter than it was.
      if (copied < 0 && errno != ENOSPC && errno != EDQUOT && errno != EIO) break;
      if (copied < 0) return FileError(errno, "copying \"" + where + "\"");
      if (copied == 0) break;
    }
    return fd;
  }

  // Adds the extents that must be fetched to `worker.needed`. Whether zeroes were written into gaps.
  Result<bool> Compare(int fd, uint32_t index, uint64_t held, const std::string& where, Worker& worker,
                       const OpContext& ctx) {
    const MappedFile& file = map_.files[index];
    bool any_cleared = false;
    uint64_t covered = 0;
    for (uint32_t i = 0; i < file.extents.size(); ++i) {
      const Extent& extent = file.extents[i];
      if (covered < std::min(extent.file_offset, held)) {
        PITR_ASSIGN(const bool cleared,
                    ClearGap(fd, covered, std::min(extent.file_offset, held), worker.buffer, where));
        any_cleared |= cleared;
      }
      covered = extent.file_offset + extent.length;
      PITR_TRY(ctx.Check());
      bool same = false;
      if (extent.checked && covered <= held) {
        if (worker.buffer.size() < extent.length) worker.buffer.resize(extent.length);
        const auto bytes = std::span(worker.buffer).first(extent.length);
        PITR_TRY(ReadAt(fd, extent.file_offset, bytes, where));
        worker.compared += extent.length;
        same = XXH3_64bits(bytes.data(), bytes.size()) == extent.check;
      }
      if (same) {
        progress_.bytes_done.fetch_add(extent.length, std::memory_order_relaxed);
      } else {
        worker.needed.push_back({index, i, extent.file_offset < held});
      }
    }
    if (covered < held) {
      PITR_ASSIGN(const bool cleared, ClearGap(fd, covered, held, worker.buffer, where));
      any_cleared |= cleared;
    }
    return any_cleared;
  }

  const ClusterTree& tree_;
  const FileMap& map_;
  WrittenFiles& files_;
  Progress& progress_;
};

}  // namespace

Result<PreparedFiles> PrepareFiles(const ClusterTree& tree, const FileMap& map,
                                   const std::function<bool(const MappedFile&)>& skip, WrittenFiles& files, int jobs,
                                   Progress& progress, const OpContext& ctx) {
  std::vector<Worker> workers(static_cast<size_t>(std::max(jobs, 1)));
  Preparer preparer(tree, map, files, progress);
  PITR_TRY(ParallelFor(jobs, map.files.size(), ctx, [&](size_t index, int worker) {
    if (skip(map.files[index])) return Status::Ok();
    return preparer.Prepare(static_cast<uint32_t>(index), workers[static_cast<size_t>(worker)], ctx);
  }));
  PreparedFiles prepared;
  for (Worker& worker : workers) {
    prepared.needed.insert(prepared.needed.end(), worker.needed.begin(), worker.needed.end());
    prepared.changed.insert(prepared.changed.end(), worker.changed.begin(), worker.changed.end());
    prepared.files += worker.files;
    prepared.bytes_compared += worker.compared;
    worker = {};
  }
  std::sort(prepared.needed.begin(), prepared.needed.end(), [&](const NeededExtent& a, const NeededExtent& b) {
    const uint32_t frame_a = map.files[a.file].extents[a.extent].frame,
                   frame_b = map.files[b.file].extents[b.extent].frame;
    const MappedFrame &x = map.frames[frame_a], &y = map.frames[frame_b];
    return std::tie(x.pack, x.ref.offset, a.file, a.extent) < std::tie(y.pack, y.ref.offset, b.file, b.extent);
  });
  return prepared;
}

}  // namespace pitr
