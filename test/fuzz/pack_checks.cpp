// The check frames of a pack, by which a restore believes blocks that it has not fetched: anything as their content,
// anything as their place, anything as the pack.
#include <algorithm>
#include <cstdlib>

#include "core/base/hash.h"
#include "core/repo/maps/block_checks.h"
#include "fuzz/fuzzed_repository.h"
#include "fuzz/target.h"

namespace {

using namespace pitr;

const std::string kPackKey = "data/fuzz/000001";
constexpr size_t kDataBytes = 3 * kCheckedBlockBytes + 100;

struct FuzzedPack : fuzz::FuzzedRepository {
  Bytes plain = Bytes(kDataBytes);

  FuzzedPack() {
    for (size_t i = 0; i < plain.size(); i++) plain[i] = static_cast<uint8_t>(i * 31 >> 3);
  }
};

// A data frame, a check frame with this content (its first 16 bytes: the place of the one before), and an end that
// names it.
Bytes PackWith(const FuzzedPack& fuzzed, ByteView content, FrameRef& data_frame) {
  Bytes stored;
  ObjectEncoder encoder(nullptr, 0);
  if (!encoder.Begin(ObjectKind::kPack, kPackKey, stored).ok()) abort();
  auto frame = encoder.AppendFrame(fuzzed.plain, stored);
  if (!frame.ok()) abort();
  data_frame = frame.value();
  const auto checks = encoder.AppendFrame(content, stored);
  if (!checks.ok() || !encoder.Finish(stored, checks.value()).ok()) abort();
  return stored;
}

}  // namespace

PITR_FUZZ_TARGET(pack_checks)(const uint8_t* data, size_t size) {
  static FuzzedPack fuzzed;
  if (size < 2) return 0;
  const ByteView rest(data + 1, size - 1);
  FrameRef frame;
  Bytes stored = PackWith(fuzzed, rest, frame);
  // What follows the header is anything.
  if ((data[0] & 1) != 0) {
    stored.resize(kObjectHeaderBytes);
    stored.insert(stored.end(), rest.begin(), rest.end());
  }
  fuzzed.memory->Replace(kPackKey, stored);
  const auto checks = BlockChecks::Load(*fuzzed.repository, {kPackKey, stored.size()}, OpContext());
  if (!checks.ok()) return 0;
  // Nothing is proven of bytes that neither begin nor end with a block, nor beyond the frame.
  const ByteView plain(fuzzed.plain);
  if (checks.value().Prove(frame, 1, plain.subspan(1, kCheckedBlockBytes)) || checks.value().Prove(frame, 0, {}) ||
      checks.value().Prove(frame, 0, plain.first(kCheckedBlockBytes + 1)))
    abort();
  Bytes longer(kDataBytes + kCheckedBlockBytes);
  if (checks.value().Prove(frame, 0, longer)) abort();
  // And of the same place not two things.
  Bytes other(plain.begin(), plain.end());
  other[5] ^= 1;
  if (checks.value().Prove(frame, 0, plain) && checks.value().Prove(frame, 0, other)) abort();
  return 0;
}
