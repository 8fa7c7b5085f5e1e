#include "core/base/hash.h"

#include <xxhash.h>

#include <new>

namespace pitr {

uint64_t Xxh3Of(ByteView bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

// The library hands out aligned memory; a member of type XXH3_state_t would need its static build.
struct ContentHash::State {
  XXH3_state_t* xxh = XXH3_createState();
  State() {
    if (xxh == nullptr) throw std::bad_alloc();
  }
  ~State() { XXH3_freeState(xxh); }
};

ContentHash::ContentHash() : state_(std::make_unique<State>()) { Reset(); }
ContentHash::~ContentHash() = default;

void ContentHash::Reset() { XXH3_128bits_reset(state_->xxh); }
void ContentHash::Update(ByteView piece) { XXH3_128bits_update(state_->xxh, piece.data(), piece.size()); }

std::array<uint8_t, 16> ContentHash::Digest() const {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state_->xxh));
  std::array<uint8_t, 16> digest;
  std::memcpy(digest.data(), canonical.digest, digest.size());
  return digest;
}

}  // namespace pitr
