// The packs of a backup: PackTable numbers them over all threads, a PackWriter fills one after another for one thread.
#pragma once
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "core/base/progress.h"
#include "core/base/thread.h"
#include "core/repo/manifest.h"
#include "core/repo/maps/block_checks.h"
#include "core/repo/maps/file_map.h"
#include "core/store/object_writer.h"

namespace pitr {

inline constexpr int kPartsInFlightPerJob = 2;

// Any thread.
class PackTable {
 public:
  explicit PackTable(std::string label) : label_(std::move(label)) {}
  // The index of a new pack; its number, from 1, is one more.
  uint32_t Add();
  std::string KeyOf(uint32_t index) const;
  void SetSize(uint32_t index, uint64_t bytes);
  PackEntry entry(uint32_t index) const;
  uint32_t count() const;

 private:
  const std::string label_;
  mutable std::mutex mutex_;
  std::vector<PackEntry> entries_;  // protected by mutex_
};

// One thread, not one of the pool's. A pack is opened by its first frame and closed when it has reached the size set
// for packs, or has been open for `max_open_millis`. The checks of its blocks go into it, too
// (repo/maps/block_checks.h). Memory: (kPartsInFlightPerJob + 1) parts, a frame and a compressor.
class PackWriter {
 public:
  // All borrowed; the pool sends the parts.
  PackWriter(const Repository& repository, PackTable& table, ThreadPool& pool, Progress& progress, const OpContext& ctx,
             int64_t max_open_millis = INT64_MAX);
  // Aborts the pack that is open.
  ~PackWriter();
  PackWriter(const PackWriter&) = delete;
  PackWriter& operator=(const PackWriter&) = delete;

  // Result: the frame's number in frames(). Errors as ObjectWriter::Append and Finish, naming the pack.
  Result<uint32_t> Append(ByteView plain);
  // Makes the open pack visible.
  Status Close();
  bool open() const { return writer_ != nullptr; }
  // In the order they were appended, since they were taken last.
  const std::vector<MappedFrame>& frames() const { return frames_; }
  // After Close(). Frames are numbered from 0 again.
  std::vector<MappedFrame> TakeFrames() { return std::exchange(frames_, {}); }
  // What frames() take.
  size_t held_bytes() const { return frames_.capacity() * sizeof(MappedFrame); }

 private:
  Status Open();
  Status StoreChecks();
  Status Send();
  const Repository& repository_;
  PackTable& table_;
  ThreadPool& pool_;
  Progress& progress_;
  const OpContext ctx_;
  const uint64_t pack_bytes_;
  const int64_t max_open_millis_;
  int64_t opened_millis_ = 0;  // the open pack
  ObjectEncoder encoder_;
  Bytes stored_;  // of one frame
  BlockCheckLog checks_;
  FrameRef last_checks_;  // of the open pack
  uint32_t pack_ = 0;
  std::unique_ptr<ObjectWriter> writer_;  // null: no pack is open
  std::vector<MappedFrame> frames_;
};

}  // namespace pitr
