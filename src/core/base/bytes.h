// Views of bytes, hex, and little-endian integers. No ownership, no allocation except ToHex.
#pragma once
#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pitr {

static_assert(std::endian::native == std::endian::little,
              "stored integers are little-endian; big-endian hosts need byte swaps here");

using ByteView = std::span<const uint8_t>;  // does not own
using Bytes = std::vector<uint8_t>;

inline constexpr uint64_t kMiB = uint64_t{1} << 20;

inline ByteView AsBytes(std::string_view text) { return {reinterpret_cast<const uint8_t*>(text.data()), text.size()}; }
inline std::string_view AsText(ByteView bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

// Reads or writes an integer at an unaligned address. The caller has checked the bounds.
template <class T>
T LoadLe(const uint8_t* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}
template <class T>
void StoreLe(uint8_t* to, T value) {
  std::memcpy(to, &value, sizeof value);
}
template <class T>
void AppendLe(Bytes& to, T value) {
  const auto* p = reinterpret_cast<const uint8_t*>(&value);
  to.insert(to.end(), p, p + sizeof value);
}

inline bool AllZero(ByteView bytes) {
  return bytes.empty() || (bytes[0] == 0 && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

// Lower-case hex, two digits a byte.
std::string ToHex(ByteView bytes);
// Accepts either case; nullopt for an odd length or any other character.
std::optional<Bytes> FromHex(std::string_view hex);

}  // namespace pitr
