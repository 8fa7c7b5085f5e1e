// The fixed-size parts of the envelope as values: object header, frame header, content of the end frame. For the codec
// only. Pure functions; little-endian (docs/format.md, "Objects").
#pragma once
#include <array>
#include <span>
#include <string>

#include "core/base/bytes.h"
#include "core/base/status.h"
#include "core/repo/envelope/envelope.h"

namespace pitr {

struct ObjectHeader {
  ObjectKind kind = ObjectKind::kMarker;
  Cipher cipher = Cipher::kNone;
  uint32_t key_number = 0;
  std::array<uint8_t, 32> salt{};
};

std::array<uint8_t, kObjectHeaderBytes> EncodeObjectHeader(const ObjectHeader& header, const std::string& object_key);
// kCorruption naming the object; kInvalidArgument with a hint when it is of a newer format.
Result<ObjectHeader> DecodeObjectHeader(ObjectKind expected, const std::string& object_key, ByteView bytes);

struct FrameHeader {
  uint32_t stored_len = 0;  // of what follows the frame header, tag included
  uint32_t plain_len = 0;
  Codec codec = Codec::kNone;
  FrameType type = FrameType::kData;
  uint64_t check = 0;  // XXH3-64 of the stored content; 0 when encrypted
};

void EncodeFrameHeader(const FrameHeader& frame, uint8_t* to);
// kCorruption when the sizes are impossible or a field is not known.
Result<FrameHeader> DecodeFrameHeader(ByteView bytes, bool encrypted);

// Where a frame of the same object is; all zero: nowhere.
std::array<uint8_t, 16> EncodeFrameRef(const FrameRef& ref);
FrameRef DecodeFrameRef(std::span<const uint8_t, 16> bytes);

struct EndContent {
  uint64_t plain_bytes = 0;
  uint64_t frames = 0;
  std::array<uint8_t, 16> digest{};  // of a pack: a FrameRef, of its last block checks
};

std::array<uint8_t, kEndPlainBytes> EncodeEndContent(const EndContent& end);
EndContent DecodeEndContent(std::span<const uint8_t, kEndPlainBytes> bytes);

}  // namespace pitr
