// Page checksum: 32 independent FNV-1a-like lanes of 32 bits, folded with xor. The lanes map to vector
// registers; the same body is compiled for the baseline and for AVX2 and chosen at run time.
#include "core/pg/page.h"

#include <algorithm>
#include <cassert>

namespace pitr {
namespace {

constexpr size_t kLanes = 32;
constexpr size_t kRows = kPageSize / (kLanes * sizeof(uint32_t));
constexpr uint32_t kPrime = 16777619;

// Starting values of the lanes, part of the on-disk format.
alignas(32) constexpr uint32_t kLaneStart[kLanes] = {
    0x5B1F36E9, 0xB8525960, 0x02AB50AA, 0x1DE66D2A, 0x79FF467A, 0x9BB9F8A3, 0x217E7CD2, 0x83E13D2C,
    0xF8D4474F, 0xE39EB970, 0x42C6AE16, 0x993216FA, 0x7B093B5D, 0x98DAFF3C, 0xF718902A, 0x0B1C9CDB,
    0xE58F764B, 0x187636BC, 0x5D7B3BB1, 0xE73DE7DE, 0x92BEC979, 0xCCA6C0B2, 0x304A0979, 0x85AA43D4,
    0x783125BB, 0x6CA8EAA2, 0xE407EAC6, 0x4B5CFC3E, 0x9FBF8C76, 0x15CA20BE, 0xF2CA9FD3, 0x959BD756};

constexpr size_t kChecksumOffset = 8;

typedef uint32_t Vector __attribute__((vector_size(32)));
constexpr size_t kVectors = kLanes * sizeof(uint32_t) / sizeof(Vector);

// The stored checksum counts as zero, so the first row is hashed from a copy.
__attribute__((always_inline)) inline uint32_t HashPage(const uint8_t* page) {
  Vector lanes[kVectors];
  std::memcpy(lanes, kLaneStart, sizeof lanes);
  Vector row[kVectors];
  std::memcpy(row, page, sizeof row);
  const uint16_t zero = 0;
  std::memcpy(reinterpret_cast<uint8_t*>(row) + kChecksumOffset, &zero, sizeof zero);
  for (size_t i = 0;;) {
    for (size_t v = 0; v < kVectors; ++v) {
      const Vector mixed = lanes[v] ^ row[v];
      lanes[v] = mixed * kPrime ^ mixed >> 17;
    }
    if (++i == kRows) break;
    std::memcpy(row, page + i * sizeof row, sizeof row);
  }
  for (int round = 0; round < 2; ++round)
    for (size_t v = 0; v < kVectors; ++v) lanes[v] = lanes[v] * kPrime ^ lanes[v] >> 17;
  const Vector folded = lanes[0] ^ lanes[1] ^ lanes[2] ^ lanes[3];
  uint32_t hash = 0;
  for (size_t i = 0; i < sizeof(Vector) / sizeof(uint32_t); ++i) hash ^= folded[i];
  return hash;
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) uint32_t HashPageAvx2(const uint8_t* page) { return HashPage(page); }
#endif
uint32_t HashPageBaseline(const uint8_t* page) { return HashPage(page); }

using HashFunction = uint32_t (*)(const uint8_t*);
HashFunction ChooseHash() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) return HashPageAvx2;
#endif
  return HashPageBaseline;
}

constexpr uint16_t kValidFlags = 0x0007;

}  // namespace

bool PageHeader::IsSane() const {
  return (flags & ~kValidFlags) == 0 && lower <= upper && upper <= special && special <= kPageSize && special % 8 == 0;
}

PageHeader ReadPageHeader(ByteView page) {
  assert(page.size() == kPageSize);
  const uint8_t* p = page.data();
  PageHeader header;
  header.lsn = {uint64_t{LoadLe<uint32_t>(p)} << 32 | LoadLe<uint32_t>(p + 4)};
  header.checksum = LoadLe<uint16_t>(p + kChecksumOffset);
  header.flags = LoadLe<uint16_t>(p + 10);
  header.lower = LoadLe<uint16_t>(p + 12);
  header.upper = LoadLe<uint16_t>(p + 14);
  header.special = LoadLe<uint16_t>(p + 16);
  const auto size_and_version = LoadLe<uint16_t>(p + 18);
  header.page_size = size_and_version & 0xFF00;
  header.layout_version = size_and_version & 0x00FF;
  return header;
}

uint16_t ComputePageChecksum(ByteView page, uint32_t block_in_relation) {
  assert(page.size() == kPageSize);
  static const HashFunction hash = ChooseHash();
  return static_cast<uint16_t>((hash(page.data()) ^ block_in_relation) % 65535 + 1);
}

PageVerdict VerifyPageHeader(ByteView page) {
  const PageHeader header = ReadPageHeader(page);
  if (header.IsNew()) return AllZero(page) ? PageVerdict::kNew : PageVerdict::kBad;
  return header.IsSane() ? PageVerdict::kOk : PageVerdict::kBad;
}

PageVerdict VerifyPage(ByteView page, uint32_t block_in_relation) {
  const PageVerdict verdict = VerifyPageHeader(page);
  if (verdict != PageVerdict::kOk) return verdict;
  const auto stored = LoadLe<uint16_t>(page.data() + kChecksumOffset);
  return stored == ComputePageChecksum(page, block_in_relation) ? PageVerdict::kOk : PageVerdict::kBad;
}

}  // namespace pitr
