#include "core/base/kdf.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <array>

namespace pitr {

void Wipe(std::span<uint8_t> bytes) noexcept { OPENSSL_cleanse(bytes.data(), bytes.size()); }

void Wipe(std::string& text) noexcept {
  OPENSSL_cleanse(text.data(), text.size());
  text.clear();
}

Status RandomBytes(std::span<uint8_t> out) {
  if (RAND_bytes(out.data(), static_cast<int>(out.size())) != 1)
    return {Code::kInternal, "could not get random bytes from OpenSSL"};
  return Status::Ok();
}

Result<uint32_t> RandomNumber() {
  std::array<uint8_t, sizeof(uint32_t)> bytes;
  PITR_TRY(RandomBytes(bytes));
  return LoadLe<uint32_t>(bytes.data());
}

Status HkdfSha256(ByteView secret, ByteView salt, ByteView info, std::span<uint8_t> out) {
  // Fetching walks the provider tables; once a process is enough. Never freed.
  static EVP_KDF* const kdf = EVP_KDF_fetch(nullptr, "HKDF", nullptr);
  EVP_KDF_CTX* ctx = kdf == nullptr ? nullptr : EVP_KDF_CTX_new(kdf);
  if (ctx == nullptr) return {Code::kInternal, "OpenSSL has no HKDF"};
  char digest[] = "SHA256";
  auto octets = [](const char* name, ByteView bytes) {
    return OSSL_PARAM_construct_octet_string(name, const_cast<uint8_t*>(bytes.data()), bytes.size());
  };
  OSSL_PARAM params[5];
  size_t n = 0;
  params[n++] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0);
  params[n++] = octets(OSSL_KDF_PARAM_KEY, secret);
  if (!salt.empty()) params[n++] = octets(OSSL_KDF_PARAM_SALT, salt);
  if (!info.empty()) params[n++] = octets(OSSL_KDF_PARAM_INFO, info);
  params[n] = OSSL_PARAM_construct_end();
  const bool ok = EVP_KDF_derive(ctx, out.data(), out.size(), params) == 1;
  EVP_KDF_CTX_free(ctx);
  if (!ok) return {Code::kInternal, "HKDF-SHA-256 failed"};
  return Status::Ok();
}

Status Scrypt(std::string_view passphrase, ByteView salt, const ScryptCost& cost, std::span<uint8_t> out) {
  const bool power_of_two = cost.n >= 2 && (cost.n & (cost.n - 1)) == 0;
  if (!power_of_two || cost.r == 0 || cost.p == 0 || cost.p > kMaxScryptParallel ||
      cost.n > kMaxScryptMemoryBytes / 128 / cost.r)
    return {Code::kInvalidArgument, "scrypt cost is out of range: n = " + std::to_string(cost.n) +
                                        ", r = " + std::to_string(cost.r) + ", p = " + std::to_string(cost.p)};
  // Room for OpenSSL's own blocks beside the big one.
  const uint64_t limit = 2 * kMaxScryptMemoryBytes;
  if (EVP_PBE_scrypt(passphrase.data(), passphrase.size(), salt.data(), salt.size(), cost.n, cost.r, cost.p, limit,
                     out.data(), out.size()) != 1)
    return {Code::kInternal, "scrypt failed"};
  return Status::Ok();
}

}  // namespace pitr
