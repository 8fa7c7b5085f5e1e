// What the envelope of a stored object is made of, as values: kinds, codecs, sizes, the key (docs/format.md,
// "Objects"). object_codec.h writes and reads it.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace pitr {

enum class ObjectKind : uint8_t {
  kMarker = 1,
  kKeySlot = 2,
  kWal = 3,
  kManifest = 4,
  kFileMap = 5,
  kPack = 6,
  kBackupStart = 7,
  kBackupPin = 8,
  kExpireMark = 9,
  kProof = 10,
  kChangeMap = 11,
  kPartialMap = 12,
  kRestoreHold = 13,
  kAloneMark = 14,
  kTimelineAside = 15,
  kMapPage = 16,
  kPartialSegment = 17,
  kTimelineNumber = 20,
  kBackupFailure = 23,
  kWalSeal = 24
};
enum class Cipher : uint8_t { kNone = 0, kAes256Gcm = 1 };
enum class Codec : uint8_t { kNone = 0, kZstd = 1 };
enum class FrameType : uint8_t { kData = 0, kEnd = 1 };

// "wal object", "manifest", ...: for messages.
std::string_view ObjectKindName(ObjectKind kind);

inline constexpr uint16_t kFormatVersion = 1;
inline constexpr size_t kObjectHeaderBytes = 64;
inline constexpr size_t kFrameHeaderBytes = 24;
inline constexpr size_t kFrameTagBytes = 16;  // at the end of an encrypted frame, part of its stored length
inline constexpr size_t kEndPlainBytes = 32;  // content of the end frame
inline constexpr size_t kMinObjectBytes = kObjectHeaderBytes + kFrameHeaderBytes + kEndPlainBytes;  // without content
inline constexpr size_t kMaxFramePlainBytes = size_t{16} << 20;
inline constexpr size_t kWalFramePlainBytes = size_t{2} << 20;
inline constexpr size_t kDataFramePlainBytes = size_t{1} << 20;

// 32 secret bytes and the number they are known by; number 0 means "no encryption". Wiped on destruction.
struct RepositoryKey {
  uint32_t number = 0;
  std::array<uint8_t, 32> secret{};
  ~RepositoryKey();
};

// Position and sizes of one frame; what a file map stores.
struct FrameRef {
  uint64_t offset = 0;        // of the frame header, from the start of the object
  uint32_t stored_bytes = 0;  // header included
  uint32_t plain_bytes = 0;
};

}  // namespace pitr
