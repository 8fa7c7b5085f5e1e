// SHA-256 and HMAC-SHA-256 over bytes in memory, and an incremental hasher. OpenSSL does the work.
// Free functions are safe from any thread; a Sha256Hasher belongs to one thread at a time.
// Nothing here may be called while the library is being loaded (rule "nothing at load").
#pragma once
#include <array>
#include <memory>
#include <string>

#include "core/base/bytes.h"

namespace pitr {

using Sha256Digest = std::array<uint8_t, 32>;

Sha256Digest Sha256(ByteView bytes);
// Lower-case hex, 64 characters.
std::string Sha256Hex(ByteView bytes);
Sha256Digest HmacSha256(ByteView key, ByteView message);

// Hash of data that arrives in pieces. Throws std::bad_alloc when OpenSSL has no memory.
class Sha256Hasher {
 public:
  Sha256Hasher();
  Sha256Hasher(Sha256Hasher&&) noexcept;
  Sha256Hasher& operator=(Sha256Hasher&&) noexcept;
  ~Sha256Hasher();
  void Update(ByteView bytes);
  // Returns the digest of everything since construction or the last Finish(), and starts anew.
  Sha256Digest Finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace pitr
