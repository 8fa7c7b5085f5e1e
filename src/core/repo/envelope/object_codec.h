// The envelope of every stored object: header, frames, end frame (docs/format.md, "Objects").
//
// Compression and encryption happen here and nowhere else. Encoder and decoder each belong to one
// thread; they reuse their zstd and cipher contexts, so keep one per thread and Begin() it per object.
#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "core/base/bytes.h"
#include "core/base/status.h"
#include "core/repo/envelope/envelope.h"

namespace pitr {

class ObjectEncoder {
 public:
  // `key` null or number 0: not encrypted. `level`: zstd level; 0 stores without compression.
  // Borrowed: key must outlive the encoder.
  ObjectEncoder(const RepositoryKey* key, int level);
  ~ObjectEncoder();
  ObjectEncoder(const ObjectEncoder&) = delete;
  ObjectEncoder& operator=(const ObjectEncoder&) = delete;

  // Starts an object and appends its header to `out`. Offsets count from here, whatever the caller does with `out`
  // between the calls.
  Status Begin(ObjectKind kind, const std::string& object_key, Bytes& out);
  // Appends one data frame (1 .. kMaxFramePlainBytes bytes) to `out`, in one pass over `plain`; falls back to codec
  // none when zstd does not shrink it.
  Result<FrameRef> AppendFrame(ByteView plain, Bytes& out);
  // Appends the end frame. Total checks are kept for every kind but kPack, whose end frame says instead where its last
  // block checks are (repo/maps/block_checks.h); by default nowhere.
  Status Finish(Bytes& out, const FrameRef& block_checks = {});

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Reads objects. A decoder is given the header first (Open), then frames, in any order by offset.
class ObjectDecoder {
 public:
  explicit ObjectDecoder(const RepositoryKey* key);
  ~ObjectDecoder();
  ObjectDecoder(const ObjectDecoder&) = delete;
  ObjectDecoder& operator=(const ObjectDecoder&) = delete;

  // Checks magic, version, kind, check and key number. kCorruption; kInvalidArgument with a hint when a newer format or
  // a missing or other key is the reason. An unencrypted object is kCorruption when there is a key, markers and key
  // slots excepted: whoever can write to the store must not be able to pass off plain objects as ours.
  Status Open(ObjectKind expected, const std::string& object_key, ByteView header);
  // Sizes of the frame that begins with these kFrameHeaderBytes; kCorruption when they are impossible.
  struct FrameInfo {
    uint32_t stored_bytes;  // header included
    uint32_t plain_bytes;
    FrameType type;
  };
  Result<FrameInfo> PeekFrame(ByteView frame_header) const;
  // Decodes one whole frame (header included) found at `offset` into `out` (exactly plain_bytes long, not overlapping
  // `frame`). kCorruption naming the object and the offset; `out` then holds nothing that may be used.
  Status DecodeFrame(uint64_t offset, ByteView frame, std::span<uint8_t> out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// A whole object in one call, for small ones (everything but packs).
Result<Bytes> EncodeObject(ObjectKind kind, const std::string& object_key, ByteView plain, const RepositoryKey* key,
                           int level, size_t frame_plain_bytes = kWalFramePlainBytes);

// Stored size that encoding `plain_bytes` cannot exceed.
size_t MaxObjectBytes(size_t plain_bytes, size_t frame_plain_bytes = kWalFramePlainBytes);

// Feeds a stored object piece by piece (any cut) and gets its plain content in order; checks every frame and the end
// frame. One object per reader. `sink` gets each frame's plain bytes once it has been verified.
class ObjectStreamReader {
 public:
  using Sink = std::function<Status(ByteView plain)>;
  ObjectStreamReader(ObjectKind expected, std::string object_key, const RepositoryKey* key, Sink sink);
  ~ObjectStreamReader();
  Status Feed(ByteView stored);
  // kCorruption ("truncated") unless the end frame was seen, matched, and nothing followed it. Returns the plain size.
  Result<uint64_t> Finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// `max_plain_bytes` bounds memory: kCorruption beyond it.
Result<Bytes> DecodeObject(ObjectKind expected, const std::string& object_key, ByteView stored,
                           const RepositoryKey* key, size_t max_plain_bytes);

}  // namespace pitr
