// AES-256-GCM (NIST SP 800-38D) over OpenSSL, with contexts kept from message to message.
// A nonce must never be used twice with one key; the caller sees to that. One thread at a time.
#pragma once
#include <array>
#include <memory>
#include <span>

#include "core/base/bytes.h"
#include "core/base/status.h"

namespace pitr {

inline constexpr size_t kAeadKeyBytes = 32;
inline constexpr size_t kAeadNonceBytes = 12;
inline constexpr size_t kAeadTagBytes = 16;

class AesGcm {
 public:
  using Nonce = std::array<uint8_t, kAeadNonceBytes>;
  AesGcm();
  ~AesGcm();  // wipes the key schedule
  AesGcm(const AesGcm&) = delete;
  AesGcm& operator=(const AesGcm&) = delete;

  // For the messages that follow. kInternal when OpenSSL refuses (as below).
  Status SetKey(std::span<const uint8_t, kAeadKeyBytes> key);

  // Writes plain.size() + kAeadTagBytes bytes to `out`, which may be where `plain` begins. The additional data is
  // `aad1` followed by `aad2`.
  Status Seal(const Nonce& nonce, ByteView aad1, ByteView aad2, ByteView plain, uint8_t* out);

  // Writes stored.size() - kAeadTagBytes bytes to `out` (not the address of `stored`). kCorruption when the tag does
  // not match; what `out` holds then must not be used.
  Status Open(const Nonce& nonce, ByteView aad1, ByteView aad2, ByteView stored, uint8_t* out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace pitr
