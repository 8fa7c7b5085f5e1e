// Starts no thread.
#include "core/repo/envelope/object_codec.h"

#include <gtest/gtest.h>

#include <random>

#include "core/base/hash.h"

namespace pitr {
namespace {

const std::string kKey = "wal/00000001/000000/00000000/000000010000000000000001";

const RepositoryKey& TestKey() {
  static const RepositoryKey key = [] {
    RepositoryKey k;
    k.number = 1;
    for (size_t i = 0; i < k.secret.size(); i++) k.secret[i] = static_cast<uint8_t>(i * 7 + 1);
    return k;
  }();
  return key;
}

Bytes Text(size_t n) {  // compresses
  Bytes bytes(n);
  for (size_t i = 0; i < n; i++) bytes[i] = static_cast<uint8_t>("abcdefgh"[i / 13 % 8]);
  return bytes;
}

Bytes Noise(size_t n, unsigned seed = 1) {  // does not
  std::mt19937 random(seed);
  Bytes bytes(n);
  for (uint8_t& b : bytes) b = static_cast<uint8_t>(random());
  return bytes;
}

struct Shape {
  bool encrypted;
  int level;
  bool noise;
};

class EveryShape : public testing::TestWithParam<Shape> {
 protected:
  const RepositoryKey* key() const { return GetParam().encrypted ? &TestKey() : nullptr; }
  int level() const { return GetParam().level; }
  Bytes Content(size_t n) const { return GetParam().noise ? Noise(n) : Text(n); }
};

INSTANTIATE_TEST_SUITE_P(ObjectCodec, EveryShape,
                         testing::Values(Shape{false, 0, false}, Shape{false, 3, false}, Shape{false, 3, true},
                                         Shape{true, 0, false}, Shape{true, 3, false}, Shape{true, 3, true}));

TEST_P(EveryShape, RoundTripsEveryKind) {
  for (int kind = 1; kind <= 7; kind++) {
    for (size_t n : {size_t{0}, size_t{1}, size_t{2}, size_t{999}, size_t{1000}, size_t{1001}, size_t{100000}}) {
      const Bytes plain = Content(n);
      auto stored = EncodeObject(static_cast<ObjectKind>(kind), kKey, plain, key(), level(), 1000);
      ASSERT_TRUE(stored.ok());
      EXPECT_LE(stored.value().size(), MaxObjectBytes(n, 1000));
      auto back = DecodeObject(static_cast<ObjectKind>(kind), kKey, stored.value(), key(), n);
      ASSERT_TRUE(back.ok()) << back.status().ToString();
      EXPECT_EQ(back.value(), plain);
      if (n == 0) continue;
      EXPECT_EQ(DecodeObject(static_cast<ObjectKind>(kind), kKey, stored.value(), key(), n - 1).code(),
                Code::kCorruption);
    }
  }
}

TEST_P(EveryShape, PiecesOfAnySizeAreTheSame) {
  const Bytes plain = Content(3500);
  const Bytes stored = EncodeObject(ObjectKind::kWal, kKey, plain, key(), level(), 1000).value();
  for (size_t piece : {1, 2, 23, 24, 25, 63, 64, 65, 1000, 5000}) {
    Bytes back;
    ObjectStreamReader reader(ObjectKind::kWal, kKey, key(), [&](ByteView part) {
      back.insert(back.end(), part.begin(), part.end());
      return Status::Ok();
    });
    for (size_t at = 0; at < stored.size(); at += piece)
      ASSERT_TRUE(reader.Feed(ByteView(stored).subspan(at, std::min(piece, stored.size() - at))).ok());
    auto size = reader.Finish();
    ASSERT_TRUE(size.ok());
    EXPECT_EQ(size.value(), plain.size());
    EXPECT_EQ(back, plain);
  }
}

TEST_P(EveryShape, EveryFlippedBitIsCorruption) {
  const Bytes plain = Content(90);
  Bytes stored = EncodeObject(ObjectKind::kWal, kKey, plain, key(), level(), 40).value();
  for (size_t bit = 0; bit < stored.size() * 8; bit++) {
    stored[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    auto back = DecodeObject(ObjectKind::kWal, kKey, stored, key(), 1000);
    ASSERT_FALSE(back.ok()) << "bit " << bit;
    EXPECT_EQ(back.code(), Code::kCorruption) << "bit " << bit << " " << back.status().ToString();
    EXPECT_NE(back.status().message().find(kKey), std::string::npos) << back.status().message();
    EXPECT_NE(back.status().message().find("offset"), std::string::npos) << back.status().message();
    stored[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
  }
  EXPECT_TRUE(DecodeObject(ObjectKind::kWal, kKey, stored, key(), 1000).ok());
}

TEST_P(EveryShape, EveryTruncationAndAnAppendedByteIsCorruption) {
  Bytes stored = EncodeObject(ObjectKind::kWal, kKey, Content(90), key(), level(), 40).value();
  for (size_t n = 0; n < stored.size(); n++) {
    auto back = DecodeObject(ObjectKind::kWal, kKey, ByteView(stored).first(n), key(), 1000);
    ASSERT_EQ(back.code(), Code::kCorruption) << n;
    EXPECT_NE(back.status().message().find("truncated"), std::string::npos) << back.status().message();
  }
  stored.push_back(0);
  EXPECT_EQ(DecodeObject(ObjectKind::kWal, kKey, stored, key(), 1000).code(), Code::kCorruption);
}

TEST_P(EveryShape, SwappedAndDroppedFramesAreCorruption) {
  ObjectEncoder encoder(key(), level());
  Bytes header, a, b, end;
  ASSERT_TRUE(encoder.Begin(ObjectKind::kWal, kKey, header).ok());
  const Bytes plain = Content(2000);
  // The caller may take the bytes away between the calls.
  auto first = encoder.AppendFrame(ByteView(plain).first(1000), a);
  auto second = encoder.AppendFrame(ByteView(plain).subspan(1000), b);
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(first.value().offset, kObjectHeaderBytes);
  EXPECT_EQ(second.value().offset, first.value().offset + first.value().stored_bytes);
  EXPECT_EQ(second.value().stored_bytes, b.size());
  ASSERT_TRUE(encoder.Finish(end).ok());
  auto join = [](std::initializer_list<const Bytes*> parts) {
    Bytes all;
    for (const Bytes* part : parts) all.insert(all.end(), part->begin(), part->end());
    return all;
  };
  auto decode = [&](const Bytes& stored) { return DecodeObject(ObjectKind::kWal, kKey, stored, key(), 10000); };
  EXPECT_TRUE(decode(join({&header, &a, &b, &end})).ok());
  EXPECT_EQ(decode(join({&header, &a, &end})).code(), Code::kCorruption);
  EXPECT_EQ(decode(join({&header, &end})).code(), Code::kCorruption);
  EXPECT_EQ(decode(join({&header, &a, &b, &b, &end})).code(), Code::kCorruption);
  // The two frames of Text() differ (1000 is not a multiple of its period), those of Noise() as well.
  ASSERT_NE(a, b);
  EXPECT_EQ(decode(join({&header, &b, &a, &end})).code(), Code::kCorruption);
}

TEST_P(EveryShape, ARenamedObjectIsCorruption) {
  const Bytes stored = EncodeObject(ObjectKind::kWal, kKey, Content(100), key(), level()).value();
  EXPECT_EQ(DecodeObject(ObjectKind::kWal, "wal/00000001/000000/00000000/000000010000000000000002", stored, key(), 1000)
                .code(),
            Code::kCorruption);
  EXPECT_EQ(DecodeObject(ObjectKind::kManifest, kKey, stored, key(), 1000).code(), Code::kCorruption);
}

TEST_P(EveryShape, FramesOfAPackAreReadApart) {
  const Bytes plain = Content(5000);
  ObjectEncoder encoder(key(), level());
  Bytes stored;
  std::vector<FrameRef> refs;
  for (int object = 0; object < 2; object++) {  // the encoder is reused
    stored.clear();
    refs.clear();
    ASSERT_TRUE(encoder.Begin(ObjectKind::kPack, kKey, stored).ok());
    for (size_t at = 0; at < plain.size(); at += 1000)
      refs.push_back(encoder.AppendFrame(ByteView(plain).subspan(at, 1000), stored).value());
    ASSERT_TRUE(encoder.Finish(stored).ok());
  }
  EXPECT_EQ(DecodeObject(ObjectKind::kPack, kKey, stored, key(), 5000).value(), plain);
  ObjectDecoder decoder(key());
  ASSERT_TRUE(decoder.Open(ObjectKind::kPack, kKey, ByteView(stored).first(kObjectHeaderBytes)).ok());
  for (int i = 4; i >= 0; i--) {
    const FrameRef& ref = refs[i];
    const ByteView frame = ByteView(stored).subspan(ref.offset, ref.stored_bytes);
    auto info = decoder.PeekFrame(frame.first(kFrameHeaderBytes));
    ASSERT_TRUE(info.ok());
    EXPECT_EQ(info.value().stored_bytes, ref.stored_bytes);
    EXPECT_EQ(info.value().plain_bytes, 1000u);
    Bytes out(1000);
    ASSERT_TRUE(decoder.DecodeFrame(ref.offset, frame, out).ok());
    EXPECT_TRUE(std::equal(out.begin(), out.end(), plain.begin() + i * 1000));
    Bytes wrong_size(999);
    EXPECT_EQ(decoder.DecodeFrame(ref.offset, frame, wrong_size).code(), Code::kCorruption);
    EXPECT_EQ(decoder.DecodeFrame(ref.offset, frame.first(frame.size() - 1), out).code(), Code::kCorruption);
    if (key() == nullptr) continue;
    EXPECT_EQ(decoder.DecodeFrame(ref.offset + 1, frame, out).code(), Code::kCorruption);
  }
}

TEST(ObjectCodec, AllocationFollowsWhatIsThere) {
  // A frame header that promises 16 MiB costs nothing before the bytes have come.
  Bytes stored = EncodeObject(ObjectKind::kWal, kKey, Noise(100), nullptr, 0).value();
  StoreLe(&stored[64], uint32_t{16 << 20});
  StoreLe(&stored[68], uint32_t{16 << 20});
  EXPECT_EQ(DecodeObject(ObjectKind::kWal, kKey, stored, nullptr, 1000).code(), Code::kCorruption);
  StoreLe(&stored[64], uint32_t{(16 << 20) + 1});
  StoreLe(&stored[68], uint32_t{(16 << 20) + 1});
  auto back = DecodeObject(ObjectKind::kWal, kKey, stored, nullptr, 1000);
  EXPECT_NE(back.status().message().find("impossible plain length"), std::string::npos) << back.status().message();
}

TEST(ObjectCodec, KeysThatDoNotFitAreNamed) {
  const Bytes secret = EncodeObject(ObjectKind::kWal, kKey, Text(100), &TestKey(), 3).value();
  auto none = DecodeObject(ObjectKind::kWal, kKey, secret, nullptr, 1000);
  EXPECT_EQ(none.code(), Code::kInvalidArgument);
  EXPECT_NE(none.status().hint().find("passphrase_file"), std::string::npos);
  RepositoryKey other;
  other.number = 2;
  EXPECT_EQ(DecodeObject(ObjectKind::kWal, kKey, secret, &other, 1000).code(), Code::kInvalidArgument);
  other.number = 1;  // the right number and the wrong secret
  EXPECT_EQ(DecodeObject(ObjectKind::kWal, kKey, secret, &other, 1000).code(), Code::kCorruption);
}

TEST(ObjectCodec, APlainObjectIsNotBelievedInAnEncryptedRepository) {
  const Bytes plain = EncodeObject(ObjectKind::kWal, kKey, Text(100), nullptr, 3).value();
  EXPECT_EQ(DecodeObject(ObjectKind::kWal, kKey, plain, &TestKey(), 1000).code(), Code::kCorruption);
  const Bytes marker = EncodeObject(ObjectKind::kMarker, "pg_pitr.marker", Text(100), nullptr, 0).value();
  EXPECT_TRUE(DecodeObject(ObjectKind::kMarker, "pg_pitr.marker", marker, &TestKey(), 1000).ok());
}

TEST(ObjectCodec, EncryptedObjectsShowNothingOfTheirContent) {
  const Bytes plain = Text(1000);
  const Bytes once = EncodeObject(ObjectKind::kWal, kKey, plain, &TestKey(), 0).value();
  const Bytes twice = EncodeObject(ObjectKind::kWal, kKey, plain, &TestKey(), 0).value();
  EXPECT_NE(Bytes(once.begin() + 88, once.end()), Bytes(twice.begin() + 88, twice.end()));
  EXPECT_EQ(AsText(once).find("aaaaaaaa"), std::string_view::npos);
  for (int i = 80; i < 88; i++) EXPECT_EQ(once[i], 0);  // no checksum of the plain bytes
}

TEST(ObjectCodec, ANewerFormatIsRefusedWithAHint) {
  Bytes stored = EncodeObject(ObjectKind::kWal, kKey, Text(10), nullptr, 0).value();
  stored[8] = 2;
  EXPECT_EQ(DecodeObject(ObjectKind::kWal, kKey, stored, nullptr, 1000).code(),
            Code::kCorruption);  // a flipped bit is not a version
  Bytes checked(stored.begin(), stored.begin() + 56);
  checked.insert(checked.end(), kKey.begin(), kKey.end());
  StoreLe(&stored[56], Xxh3Of(checked));
  auto newer = DecodeObject(ObjectKind::kWal, kKey, stored, nullptr, 1000);
  EXPECT_EQ(newer.code(), Code::kInvalidArgument);
  EXPECT_EQ(newer.status().hint(), "Install a newer pg_pitr.");
}

TEST(ObjectCodec, MisuseIsReported) {
  ObjectEncoder encoder(nullptr, 3);
  Bytes out;
  EXPECT_EQ(encoder.AppendFrame(Text(1), out).code(), Code::kInternal);
  EXPECT_EQ(encoder.Finish(out).code(), Code::kInternal);
  ASSERT_TRUE(encoder.Begin(ObjectKind::kPack, kKey, out).ok());
  EXPECT_EQ(encoder.AppendFrame({}, out).code(), Code::kInternal);
  EXPECT_EQ(encoder.AppendFrame(Bytes(kMaxFramePlainBytes + 1), out).code(), Code::kInternal);
  EXPECT_TRUE(encoder.AppendFrame(Bytes(kMaxFramePlainBytes), out).ok());
}

}  // namespace
}  // namespace pitr
