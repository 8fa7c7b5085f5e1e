// xxHash, as the repository format uses it: against bit rot, not against people (that is base/aead).
// Algorithm: XXH3, https://xxhash.com. Any thread; a ContentHash belongs to one at a time.
#pragma once
#include <array>
#include <memory>

#include "core/base/bytes.h"

namespace pitr {

uint64_t Xxh3Of(ByteView bytes);

// XXH3-128 of bytes that arrive in pieces.
class ContentHash {
 public:
  ContentHash();
  ~ContentHash();
  ContentHash(const ContentHash&) = delete;
  ContentHash& operator=(const ContentHash&) = delete;

  void Reset();
  void Update(ByteView piece);
  // Canonical (big-endian) form of what Update() was given since Reset().
  std::array<uint8_t, 16> Digest() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace pitr
