// The checksum of each 8 kB block of a pack's frames, kept in frames of the same pack ("check frames"): with them a
// restore finds out which blocks of an existing file are right without fetching them, where a file map has no checksum
// (an increment's extents that are parts of older ones).
//
// A check frame: where the check frame before it is (FrameRef, 16 bytes; zero: it is the first), then records, one for
// each data frame: u64 offset of the frame in the pack | u32 plain length | u32 zero | one XXH3-64 for each block of
// kCheckedBlockBytes of the frame's plain bytes, the last of which may be short. The pack's end frame says where the
// last check frame is. docs/format.md, "Packs".
#pragma once
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "core/repo/envelope/object_codec.h"
#include "core/repo/manifest.h"
#include "core/repo/repository.h"

namespace pitr {

inline constexpr uint32_t kCheckedBlockBytes = 8192;

// Collects the checks of one pack's frames. One thread; memory: kDataFramePlainBytes and a record.
class BlockCheckLog {
 public:
  BlockCheckLog() { Clear(); }
  void Add(const FrameRef& frame, ByteView plain);
  bool empty() const;
  bool full() const;
  // The content of a check frame; `previous` is the pack's last one so far.
  ByteView Content(const FrameRef& previous);
  void Clear();  // after the content was stored

 private:
  Bytes content_;
};

// Reads the check frames of a pack from the last to the first, which the end frame at `end` says is `last`, and gives
// each to `each` once it is verified: its place and its plain content. `decoder` has the pack's header. `read` gets the
// stored bytes of a place; its errors are returned. kCorruption when a frame is not what it should be. On an error `at`
// is the frame that is wrong or names a wrong place.
using StoredFrameReader = std::function<Status(const FrameRef& ref, Bytes& stored)>;
using CheckFrameSink = std::function<Status(const FrameRef& ref, ByteView content)>;
Status WalkCheckFrames(ObjectDecoder& decoder, const std::string& pack_key, const FrameRef& last, const FrameRef& end,
                       const StoredFrameReader& read, const CheckFrameSink& each, FrameRef& at);

// The checks of one pack. Constant once loaded; any thread. Memory: a thousandth of the pack's plain bytes.
class BlockChecks {
 public:
  // Empty when the pack has none. kCorruption, kNotFound; others as the store's.
  static Result<BlockChecks> Load(const Repository& repository, const PackEntry& pack, const OpContext& ctx);

  // Whether `bytes` are the plain bytes of a frame from `frame_offset` on, as far as that can be told: false when they
  // do not begin and end at blocks, or the frame's checks are not known.
  bool Prove(const FrameRef& frame, uint32_t frame_offset, ByteView bytes) const;
  bool empty() const { return frames_.empty(); }
  uint64_t stored_bytes() const { return stored_bytes_; }  // that were read to load them

 private:
  struct Frame {
    uint64_t offset = 0;
    uint32_t plain_bytes = 0;
    size_t first = 0;  // in checks_
  };
  Status Parse(ByteView content);
  std::vector<Frame> frames_;  // ascending by offset
  std::vector<uint64_t> checks_;
  uint64_t stored_bytes_ = 0;
};

}  // namespace pitr
