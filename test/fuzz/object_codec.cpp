// Anything as a stored object: through the streaming reader in pieces, whole, and frame by frame; and anything as
// content, which must come back. The first byte chooses what is done with the rest.
#include "core/repo/envelope/object_codec.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "core/base/hash.h"
#include "fuzz/target.h"

namespace {

using namespace pitr;

const std::string kKey = "wal/00000001/000000/00000000/000000010000000000000001";
constexpr size_t kMaxPlain = size_t{1} << 20;

const RepositoryKey& FuzzKey() {
  static const RepositoryKey key = [] {
    RepositoryKey k;
    k.number = 1;
    return k;
  }();
  return key;
}

// Makes the header's check right, so that what lies behind it is reached.
Bytes WithCheck(ByteView data) {
  Bytes stored(data.begin(), data.end());
  if (stored.size() < kObjectHeaderBytes) return stored;
  Bytes checked(stored.begin(), stored.begin() + 56);
  checked.insert(checked.end(), kKey.begin(), kKey.end());
  StoreLe(&stored[56], Xxh3Of(checked));
  return stored;
}

void ReadIt(ByteView stored, const RepositoryKey* key, size_t piece) {
  const auto whole = DecodeObject(ObjectKind::kWal, kKey, stored, key, kMaxPlain);
  Bytes plain;
  ObjectStreamReader reader(ObjectKind::kWal, kKey, key, [&](ByteView part) -> Status {
    if (plain.size() + part.size() > kMaxPlain) return {Code::kCorruption, "too large"};
    plain.insert(plain.end(), part.begin(), part.end());
    return Status::Ok();
  });
  Status status;
  for (size_t at = 0; at < stored.size() && status.ok(); at += piece)
    status = reader.Feed(stored.subspan(at, std::min(piece, stored.size() - at)));
  if (status.ok()) status = reader.Finish().status();
  if (status.ok() != whole.ok() || (whole.ok() && whole.value() != plain)) abort();

  ObjectDecoder decoder(key);
  if (!decoder.Open(ObjectKind::kWal, kKey, stored.first(std::min(stored.size(), kObjectHeaderBytes))).ok()) return;
  const ByteView rest = stored.subspan(kObjectHeaderBytes);
  const auto info = decoder.PeekFrame(rest.first(std::min(rest.size(), kFrameHeaderBytes)));
  if (!info.ok() || info.value().plain_bytes > kMaxPlain) return;
  Bytes out(info.value().plain_bytes);
  (void)decoder.DecodeFrame(kObjectHeaderBytes, rest.first(std::min<size_t>(rest.size(), info.value().stored_bytes)),
                            out);
}

void WriteIt(ByteView plain, const RepositoryKey* key, int level, size_t frame) {
  const auto stored = EncodeObject(ObjectKind::kWal, kKey, plain, key, level, frame);
  if (!stored.ok()) abort();
  const auto back = DecodeObject(ObjectKind::kWal, kKey, stored.value(), key, plain.size());
  if (!back.ok() || !std::equal(plain.begin(), plain.end(), back.value().begin(), back.value().end())) abort();
}

}  // namespace

PITR_FUZZ_TARGET(object_codec)(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const RepositoryKey* key = (data[0] & 1) != 0 ? &FuzzKey() : nullptr;
  const size_t piece = size_t{data[1]} + 1;
  const ByteView rest(data + 2, size - 2);
  if ((data[0] & 2) != 0)
    WriteIt(rest, key, data[0] >> 6, piece);
  else if ((data[0] & 4) != 0)
    ReadIt(WithCheck(rest), key, piece);
  else
    ReadIt(rest, key, piece);
  return 0;
}
