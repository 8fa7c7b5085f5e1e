// Keys from keys (HKDF-SHA-256, RFC 5869), keys from passphrases (scrypt, RFC 7914), random bytes, and wiping. Any
// thread.
#pragma once
#include <span>
#include <string>
#include <string_view>

#include "core/base/bytes.h"
#include "core/base/status.h"

namespace pitr {

// Overwrites `bytes` in a way the compiler does not remove.
void Wipe(std::span<uint8_t> bytes) noexcept;
void Wipe(std::string& text) noexcept;

// From the system's generator. kInternal when it fails.
Status RandomBytes(std::span<uint8_t> out);
// A random number, for names that must not meet. Errors as RandomBytes.
Result<uint32_t> RandomNumber();

// Extract and expand in one call; fills `out` (at most 255 * 32 bytes).
Status HkdfSha256(ByteView secret, ByteView salt, ByteView info, std::span<uint8_t> out);

struct ScryptCost {
  uint64_t n = uint64_t{1} << 15;  // power of two; memory is 128 * n * r bytes
  uint32_t r = 8;
  uint32_t p = 1;
};
inline constexpr uint64_t kMaxScryptMemoryBytes = uint64_t{256} << 20;
inline constexpr uint32_t kMaxScryptParallel = 16;

// kInvalidArgument when the cost is not a valid one or above the limits.
Status Scrypt(std::string_view passphrase, ByteView salt, const ScryptCost& cost, std::span<uint8_t> out);

}  // namespace pitr
