// zstd (RFC 8878), one frame a call, with contexts kept from call to call. One thread at a time.
#pragma once
#include <memory>
#include <span>

#include "core/base/bytes.h"
#include "core/base/status.h"

namespace pitr {

inline constexpr int kMinZstdLevel = 1;
inline constexpr int kMaxZstdLevel = 19;
inline constexpr int kDefaultZstdLevel = 3;

// Room that Compress() may need for `plain_bytes`.
size_t ZstdBound(size_t plain_bytes);

class ZstdCompressor {
 public:
  explicit ZstdCompressor(int level);  // clamped to kMinZstdLevel .. kMaxZstdLevel
  ~ZstdCompressor();
  ZstdCompressor(const ZstdCompressor&) = delete;
  ZstdCompressor& operator=(const ZstdCompressor&) = delete;
  // Bytes written to `out`, or 0 when it does not fit. kInternal when zstd fails otherwise.
  Result<size_t> Compress(ByteView plain, std::span<uint8_t> out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

class ZstdDecompressor {
 public:
  ZstdDecompressor();
  ~ZstdDecompressor();
  ZstdDecompressor(const ZstdDecompressor&) = delete;
  ZstdDecompressor& operator=(const ZstdDecompressor&) = delete;
  // Fills `out` exactly. kCorruption when `stored` is damaged or holds more or less than that.
  Status Decompress(ByteView stored, std::span<uint8_t> out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace pitr
