#include "core/repo/envelope/object_header.h"

#include <algorithm>

#include "core/base/hash.h"

namespace pitr {
namespace {

constexpr std::array<uint8_t, 8> kMagic = {'P', 'G', 'P', 'I', 'T', 'R', 0x1a, '\n'};
constexpr size_t kCheckOffset = 56;

uint64_t HeaderCheck(ByteView first_bytes, const std::string& object_key) {
  Bytes checked(first_bytes.begin(), first_bytes.end());
  checked.insert(checked.end(), object_key.begin(), object_key.end());
  return Xxh3Of(checked);
}

}  // namespace

std::array<uint8_t, kObjectHeaderBytes> EncodeObjectHeader(const ObjectHeader& header, const std::string& object_key) {
  std::array<uint8_t, kObjectHeaderBytes> bytes{};
  std::copy(kMagic.begin(), kMagic.end(), bytes.begin());
  StoreLe(&bytes[8], kFormatVersion);
  bytes[10] = static_cast<uint8_t>(header.kind);
  bytes[11] = static_cast<uint8_t>(header.cipher);
  StoreLe(&bytes[12], header.key_number);
  std::copy(header.salt.begin(), header.salt.end(), &bytes[24]);  // 16..23 are reserved and zero
  StoreLe(&bytes[kCheckOffset], HeaderCheck(ByteView(bytes).first(kCheckOffset), object_key));
  return bytes;
}

Result<ObjectHeader> DecodeObjectHeader(ObjectKind expected, const std::string& object_key, ByteView bytes) {
  auto bad = [&](const std::string& why) {
    return Status(Code::kCorruption, "object \"" + object_key + "\" at offset 0: " + why);
  };
  if (bytes.size() < kObjectHeaderBytes)
    return bad("truncated, its header has " + std::to_string(bytes.size()) + " bytes instead of " +
               std::to_string(kObjectHeaderBytes));
  if (!std::equal(kMagic.begin(), kMagic.end(), bytes.begin())) return bad("it is not an object of pg_pitr");
  // Only what a checksum confirms may be called newer; a later version keeps magic, version and check where they are.
  const bool check_ok = LoadLe<uint64_t>(&bytes[kCheckOffset]) == HeaderCheck(bytes.first(kCheckOffset), object_key);
  if (!check_ok) return bad("its header is damaged, or it was stored under another key");
  const auto version = LoadLe<uint16_t>(&bytes[8]);
  if (version > kFormatVersion)
    return Status(Code::kInvalidArgument, "object \"" + object_key + "\" has format version " +
                                              std::to_string(version) + ", this pg_pitr reads up to " +
                                              std::to_string(kFormatVersion))
        .WithHint("Install a newer pg_pitr.");
  if (version == 0) return bad("it has format version 0");
  if (bytes[10] != static_cast<uint8_t>(expected))
    return bad("it is a " + std::string(ObjectKindName(static_cast<ObjectKind>(bytes[10]))) + ", not a " +
               std::string(ObjectKindName(expected)));
  ObjectHeader header;
  header.kind = expected;
  header.cipher = static_cast<Cipher>(bytes[11]);
  header.key_number = LoadLe<uint32_t>(&bytes[12]);
  if (bytes[11] > static_cast<uint8_t>(Cipher::kAes256Gcm)) return bad("it has an unknown cipher");
  if ((header.cipher == Cipher::kNone) != (header.key_number == 0))
    return bad("its cipher and its key number contradict each other");
  if (LoadLe<uint64_t>(&bytes[16]) != 0) return bad("its reserved bytes are not zero");
  std::copy_n(&bytes[24], header.salt.size(), header.salt.begin());
  return header;
}

void EncodeFrameHeader(const FrameHeader& frame, uint8_t* to) {
  StoreLe(to, frame.stored_len);
  StoreLe(to + 4, frame.plain_len);
  to[8] = static_cast<uint8_t>(frame.codec);
  to[9] = static_cast<uint8_t>(frame.type);
  StoreLe(to + 10, uint16_t{0});
  StoreLe(to + 12, uint32_t{0});
  StoreLe(to + 16, frame.check);
}

Result<FrameHeader> DecodeFrameHeader(ByteView bytes, bool encrypted) {
  auto bad = [](const char* why) { return Status(Code::kCorruption, why); };
  if (bytes.size() < kFrameHeaderBytes) return bad("truncated in a frame header");
  FrameHeader frame;
  frame.stored_len = LoadLe<uint32_t>(&bytes[0]);
  frame.plain_len = LoadLe<uint32_t>(&bytes[4]);
  frame.codec = static_cast<Codec>(bytes[8]);
  frame.type = static_cast<FrameType>(bytes[9]);
  frame.check = LoadLe<uint64_t>(&bytes[16]);
  if (bytes[8] > static_cast<uint8_t>(Codec::kZstd)) return bad("frame header with an unknown codec");
  if (bytes[9] > static_cast<uint8_t>(FrameType::kEnd)) return bad("frame header with an unknown frame type");
  if (LoadLe<uint16_t>(&bytes[10]) != 0 || LoadLe<uint32_t>(&bytes[12]) != 0)
    return bad("frame header whose reserved bytes are not zero");
  if (frame.plain_len == 0 || frame.plain_len > kMaxFramePlainBytes)
    return bad("frame header with an impossible plain length");
  if (frame.type == FrameType::kEnd && (frame.plain_len != kEndPlainBytes || frame.codec != Codec::kNone))
    return bad("frame header of an impossible end frame");
  if (encrypted && frame.check != 0) return bad("frame header with a checksum where an encrypted frame has none");
  const uint32_t tag = encrypted ? kFrameTagBytes : 0;
  // A writer stores what does not shrink uncompressed, so a compressed frame is always the shorter one.
  const bool possible = frame.codec == Codec::kNone
                            ? frame.stored_len == frame.plain_len + tag
                            : frame.stored_len > tag && frame.stored_len < frame.plain_len + tag;
  if (!possible) return bad("frame header with an impossible stored length");
  return frame;
}

std::array<uint8_t, 16> EncodeFrameRef(const FrameRef& ref) {
  std::array<uint8_t, 16> bytes;
  StoreLe(&bytes[0], ref.offset);
  StoreLe(&bytes[8], ref.stored_bytes);
  StoreLe(&bytes[12], ref.plain_bytes);
  return bytes;
}

FrameRef DecodeFrameRef(std::span<const uint8_t, 16> bytes) {
  return {LoadLe<uint64_t>(&bytes[0]), LoadLe<uint32_t>(&bytes[8]), LoadLe<uint32_t>(&bytes[12])};
}

std::array<uint8_t, kEndPlainBytes> EncodeEndContent(const EndContent& end) {
  std::array<uint8_t, kEndPlainBytes> bytes;
  StoreLe(&bytes[0], end.plain_bytes);
  StoreLe(&bytes[8], end.frames);
  std::copy(end.digest.begin(), end.digest.end(), &bytes[16]);
  return bytes;
}

EndContent DecodeEndContent(std::span<const uint8_t, kEndPlainBytes> bytes) {
  EndContent end;
  end.plain_bytes = LoadLe<uint64_t>(&bytes[0]);
  end.frames = LoadLe<uint64_t>(&bytes[8]);
  std::copy_n(&bytes[16], end.digest.size(), end.digest.begin());
  return end;
}

}  // namespace pitr
