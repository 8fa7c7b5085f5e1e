#include "core/verify/shared.h"

#include "core/base/hash.h"

namespace pitr {

uint64_t VerifyShared::Draw(const std::string& key, uint64_t offset) const {
  const std::string text = std::to_string(request.seed.value_or(0)) + " " + key + " " + std::to_string(offset);
  return Xxh3Of(AsBytes(text));
}

uint64_t VerifyShared::Bound() const {
  if (request.mode != VerifyMode::kSample || request.sample_percent >= 100) return UINT64_MAX;
  return static_cast<uint64_t>(request.sample_percent / 100 * 18446744073709551615.0);
}

}  // namespace pitr
