#include "core/base/aead.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <climits>
#include <new>

namespace pitr {
namespace {

Status Refused(const char* what) { return {Code::kInternal, std::string("AES-256-GCM: OpenSSL refused to ") + what}; }

}  // namespace

struct AesGcm::State {
  EVP_CIPHER_CTX* seal = EVP_CIPHER_CTX_new();
  EVP_CIPHER_CTX* open = EVP_CIPHER_CTX_new();
  std::array<uint8_t, kAeadKeyBytes> key{};
  bool seal_ready = false;  // the context has taken the key
  bool open_ready = false;
  State() {
    if (seal == nullptr || open == nullptr) throw std::bad_alloc();
  }
  ~State() {
    EVP_CIPHER_CTX_free(seal);
    EVP_CIPHER_CTX_free(open);
    OPENSSL_cleanse(key.data(), key.size());
  }
};

AesGcm::AesGcm() : state_(std::make_unique<State>()) {}
AesGcm::~AesGcm() = default;

Status AesGcm::SetKey(std::span<const uint8_t, kAeadKeyBytes> key) {
  std::copy(key.begin(), key.end(), state_->key.begin());
  state_->seal_ready = state_->open_ready = false;
  return Status::Ok();
}

Status AesGcm::Seal(const Nonce& nonce, ByteView aad1, ByteView aad2, ByteView plain, uint8_t* out) {
  EVP_CIPHER_CTX* ctx = state_->seal;
  if (plain.size() > INT_MAX) return Refused("seal more than 2 GiB");
  if (!state_->seal_ready) {
    if (EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), nullptr, state_->key.data(), nullptr) != 1)
      return Refused("take a key");
    state_->seal_ready = true;
  }
  int n = 0;
  if (EVP_EncryptInit_ex(ctx, nullptr, nullptr, nullptr, nonce.data()) != 1) return Refused("take a nonce");
  for (ByteView aad : {aad1, aad2})
    if (!aad.empty() && EVP_EncryptUpdate(ctx, nullptr, &n, aad.data(), static_cast<int>(aad.size())) != 1)
      return Refused("take additional data");
  if (!plain.empty() && EVP_EncryptUpdate(ctx, out, &n, plain.data(), static_cast<int>(plain.size())) != 1)
    return Refused("seal");
  if (EVP_EncryptFinal_ex(ctx, out + plain.size(), &n) != 1) return Refused("finish");
  if (EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, kAeadTagBytes, out + plain.size()) != 1)
    return Refused("give the tag");
  return Status::Ok();
}

Status AesGcm::Open(const Nonce& nonce, ByteView aad1, ByteView aad2, ByteView stored, uint8_t* out) {
  EVP_CIPHER_CTX* ctx = state_->open;
  if (stored.size() < kAeadTagBytes || stored.size() > INT_MAX)
    return {Code::kCorruption, "encrypted content has an impossible length"};
  if (!state_->open_ready) {
    if (EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), nullptr, state_->key.data(), nullptr) != 1)
      return Refused("take a key");
    state_->open_ready = true;
  }
  const ByteView content = stored.first(stored.size() - kAeadTagBytes);
  std::array<uint8_t, kAeadTagBytes> tag;
  std::copy(stored.end() - kAeadTagBytes, stored.end(), tag.begin());
  int n = 0;
  if (EVP_DecryptInit_ex(ctx, nullptr, nullptr, nullptr, nonce.data()) != 1) return Refused("take a nonce");
  for (ByteView aad : {aad1, aad2})
    if (!aad.empty() && EVP_DecryptUpdate(ctx, nullptr, &n, aad.data(), static_cast<int>(aad.size())) != 1)
      return Refused("take additional data");
  if (!content.empty() && EVP_DecryptUpdate(ctx, out, &n, content.data(), static_cast<int>(content.size())) != 1)
    return Refused("open");
  if (EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, kAeadTagBytes, tag.data()) != 1) return Refused("take the tag");
  if (EVP_DecryptFinal_ex(ctx, out + content.size(), &n) != 1)
    return {Code::kCorruption,
            "authentication failed: the content, its place or the key is not the one it was stored with"};
  return Status::Ok();
}

}  // namespace pitr
