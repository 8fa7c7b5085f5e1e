// The primitives against published vectors: AES-256-GCM (McGrew and Viega's test cases, as in NIST's), RFC 5869, RFC
// 7914.
// Starts no thread.
#include <gtest/gtest.h>

#include "core/base/aead.h"
#include "core/base/kdf.h"

namespace pitr {
namespace {

Bytes Hex(std::string_view hex) { return FromHex(hex).value(); }

struct GcmCase {
  const char *key, *nonce, *aad, *plain, *cipher, *tag;
};
const GcmCase kGcm[] = {
    // Test case 13
    {"0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000", "", "", "",
     "530f8afbc74536b9a963b4f1c4cb738b"},
    // Test case 14
    {"0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000", "",
     "00000000000000000000000000000000", "cea7403d4d606b6e074ec5d3baf39d18", "d0d1c8a799996bf0265b98b5d48ab919"},
    // Test case 16
    {"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
     "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657b"
     "a"
     "637b39",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0ab"
     "c"
     "c9f662",
     "76fc6ece0f4e1768cddf8853bb2d551b"},
};

AesGcm::Nonce NonceOf(const char* hex) {
  AesGcm::Nonce nonce{};
  const Bytes bytes = Hex(hex);
  std::copy(bytes.begin(), bytes.end(), nonce.begin());
  return nonce;
}

TEST(AesGcm, PublishedVectors) {
  AesGcm gcm;
  for (const GcmCase& c : kGcm) {
    const Bytes key = Hex(c.key), plain = Hex(c.plain), aad = Hex(c.aad);
    ASSERT_TRUE(gcm.SetKey(std::span<const uint8_t, 32>(key.data(), 32)).ok());
    for (size_t cut = 0; cut <= aad.size(); cut += 7) {
      Bytes sealed(plain.size() + kAeadTagBytes);
      const ByteView first = ByteView(aad).first(cut), second = ByteView(aad).subspan(cut);
      ASSERT_TRUE(gcm.Seal(NonceOf(c.nonce), first, second, plain, sealed.data()).ok());
      EXPECT_EQ(ToHex(sealed), std::string(c.cipher) + c.tag);
      Bytes opened(plain.size() + 1);
      ASSERT_TRUE(gcm.Open(NonceOf(c.nonce), second.empty() ? first : aad, {}, sealed, opened.data()).ok());
      opened.resize(plain.size());
      EXPECT_EQ(opened, plain);
      sealed[sealed.size() / 2] ^= 1;
      Bytes room(plain.size() + 1);
      EXPECT_EQ(gcm.Open(NonceOf(c.nonce), aad, {}, sealed, room.data()).code(), Code::kCorruption);
    }
  }
}

TEST(AesGcm, SealsInPlace) {
  AesGcm gcm;
  const GcmCase& c = kGcm[2];
  const Bytes key = Hex(c.key);
  ASSERT_TRUE(gcm.SetKey(std::span<const uint8_t, 32>(key.data(), 32)).ok());
  Bytes buffer = Hex(c.plain);
  const size_t n = buffer.size();
  buffer.resize(n + kAeadTagBytes);
  ASSERT_TRUE(gcm.Seal(NonceOf(c.nonce), Hex(c.aad), {}, ByteView(buffer).first(n), buffer.data()).ok());
  EXPECT_EQ(ToHex(buffer), std::string(c.cipher) + c.tag);
}

TEST(AesGcm, TooShortToHoldATagIsCorruption) {
  AesGcm gcm;
  const Bytes key(32, 1);
  ASSERT_TRUE(gcm.SetKey(std::span<const uint8_t, 32>(key.data(), 32)).ok());
  Bytes out(1);
  EXPECT_EQ(gcm.Open({}, {}, {}, Bytes(15), out.data()).code(), Code::kCorruption);
}

TEST(Hkdf, Rfc5869) {
  Bytes out(42);
  ASSERT_TRUE(HkdfSha256(Bytes(22, 0x0b), Hex("000102030405060708090a0b0c"), Hex("f0f1f2f3f4f5f6f7f8f9"), out).ok());
  EXPECT_EQ(ToHex(out), "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
  auto sequence = [](int from, int to) {
    Bytes bytes;
    for (int i = from; i <= to; i++) bytes.push_back(static_cast<uint8_t>(i));
    return bytes;
  };
  out.resize(82);
  ASSERT_TRUE(HkdfSha256(sequence(0x00, 0x4f), sequence(0x60, 0xaf), sequence(0xb0, 0xff), out).ok());
  EXPECT_EQ(ToHex(out),
            "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da3275600c"
            "2f09b836"
            "7793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87");
  out.resize(42);
  ASSERT_TRUE(HkdfSha256(Bytes(22, 0x0b), {}, {}, out).ok());
  EXPECT_EQ(ToHex(out), "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}

TEST(Scrypt, Rfc7914) {
  Bytes out(64);
  ASSERT_TRUE(Scrypt("", {}, {.n = 16, .r = 1, .p = 1}, out).ok());
  EXPECT_EQ(ToHex(out),
            "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e"
            "0d3628cf"
            "35e20c38d18906");
  ASSERT_TRUE(Scrypt("password", AsBytes("NaCl"), {.n = 1024, .r = 8, .p = 16}, out).ok());
  EXPECT_EQ(ToHex(out),
            "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830dac727afb94a"
            "83ee6d83"
            "60cbdfa2cc0640");
  ASSERT_TRUE(Scrypt("pleaseletmein", AsBytes("SodiumChloride"), {.n = 16384, .r = 8, .p = 1}, out).ok());
  EXPECT_EQ(ToHex(out),
            "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2d5432955613f0fcf62d49705242a9af9e61e85dc0d"
            "651e40df"
            "cf017b45575887");
}

TEST(Scrypt, RefusesACostThatIsNotAskedForByUs) {
  Bytes out(32);
  for (ScryptCost cost : {ScryptCost{0, 8, 1}, ScryptCost{1, 8, 1}, ScryptCost{1000, 8, 1}, ScryptCost{1024, 0, 1},
                          ScryptCost{1024, 8, 0}, ScryptCost{1024, 8, 17}, ScryptCost{uint64_t{1} << 40, 8, 1},
                          ScryptCost{uint64_t{1} << 63, 1u << 31, 1}})
    EXPECT_EQ(Scrypt("x", {}, cost, out).code(), Code::kInvalidArgument) << cost.n << " " << cost.r << " " << cost.p;
}

TEST(RandomBytes, Differ) {
  Bytes a(32), b(32);
  ASSERT_TRUE(RandomBytes(a).ok());
  ASSERT_TRUE(RandomBytes(b).ok());
  EXPECT_NE(a, b);
}

}  // namespace
}  // namespace pitr
