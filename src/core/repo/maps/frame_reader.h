// Reads single frames of packs, wherever they are: for looking at a few. (A restore reads ranges: restore/frame_fetch.)
// One thread; the repository is borrowed.
#pragma once
#include <string>

#include "core/repo/envelope/object_codec.h"
#include "core/repo/repository.h"

namespace pitr {

class FrameReader {
 public:
  explicit FrameReader(const Repository& repository) : repository_(repository), decoder_(repository.key()) {}

  // The plain bytes of a frame, valid until the next call. The frame read last is not read again. kNotFound,
  // kCorruption, naming the pack; others as the store's.
  Result<ByteView> Read(const std::string& pack_key, const FrameRef& ref, const OpContext& ctx);

 private:
  const Repository& repository_;
  ObjectDecoder decoder_;
  std::string open_key_;  // whose header the decoder has; empty: none
  std::string last_key_;  // of the frame in plain_; empty: none
  uint64_t last_offset_ = 0;
  Bytes plain_;
};

}  // namespace pitr
