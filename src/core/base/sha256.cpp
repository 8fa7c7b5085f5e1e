// See sha256.h. The fetched EVP_MD is shared by all threads and deliberately never freed: a static
// destructor would race with threads that are still hashing at process exit.
#include "core/base/sha256.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <new>

namespace pitr {
namespace {

// Fetched once: an implicit fetch costs more than hashing a small request.
const EVP_MD* Algorithm() {
  static const EVP_MD* const kAlgorithm = [] {
    const EVP_MD* fetched = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    return fetched != nullptr ? fetched : EVP_sha256();
  }();
  return kAlgorithm;
}

// OpenSSL reports only lack of memory here.
void Require(int openssl_result) {
  if (openssl_result != 1) throw std::bad_alloc();
}

}  // namespace

Sha256Digest Sha256(ByteView bytes) {
  Sha256Digest digest;
  Require(EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, Algorithm(), nullptr));
  return digest;
}

std::string Sha256Hex(ByteView bytes) { return ToHex(Sha256(bytes)); }

Sha256Digest HmacSha256(ByteView key, ByteView message) {
  Sha256Digest digest;
  unsigned int length = digest.size();
  if (HMAC(Algorithm(), key.data(), static_cast<int>(key.size()), message.data(), message.size(), digest.data(),
           &length) == nullptr)
    throw std::bad_alloc();
  return digest;
}

struct Sha256Hasher::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  State() {
    if (context == nullptr) throw std::bad_alloc();
    Require(EVP_DigestInit_ex(context, Algorithm(), nullptr));
  }
  ~State() { EVP_MD_CTX_free(context); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
};

Sha256Hasher::Sha256Hasher() : state_(std::make_unique<State>()) {}
Sha256Hasher::Sha256Hasher(Sha256Hasher&&) noexcept = default;
Sha256Hasher& Sha256Hasher::operator=(Sha256Hasher&&) noexcept = default;
Sha256Hasher::~Sha256Hasher() = default;

void Sha256Hasher::Update(ByteView bytes) { Require(EVP_DigestUpdate(state_->context, bytes.data(), bytes.size())); }

Sha256Digest Sha256Hasher::Finish() {
  Sha256Digest digest;
  Require(EVP_DigestFinal_ex(state_->context, digest.data(), nullptr));
  Require(EVP_DigestInit_ex(state_->context, Algorithm(), nullptr));
  return digest;
}

}  // namespace pitr
