// CRC-32C: one implementation with the processor's instruction, one with eight tables ("slicing by 8").
// The choice is made once, at the first use.
#include "core/pg/crc32c.h"

#include <array>

#if defined(__x86_64__)
#include <nmmintrin.h>
#elif defined(__aarch64__)
#include <arm_acle.h>
#include <sys/auxv.h>
#endif

namespace pitr {
namespace {

using UpdateFunction = uint32_t (*)(uint32_t state, const uint8_t* data, size_t size);

constexpr uint32_t kReflectedPolynomial = 0x82F63B78;

constexpr std::array<std::array<uint32_t, 256>, 8> MakeTables() {
  std::array<std::array<uint32_t, 256>, 8> tables{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = crc & 1 ? crc >> 1 ^ kReflectedPolynomial : crc >> 1;
    tables[0][byte] = crc;
  }
  for (size_t slice = 1; slice < 8; ++slice)
    for (size_t byte = 0; byte < 256; ++byte) {
      const uint32_t previous = tables[slice - 1][byte];
      tables[slice][byte] = previous >> 8 ^ tables[0][previous & 0xFF];
    }
  return tables;
}
constexpr auto kTables = MakeTables();

uint32_t UpdatePortable(uint32_t state, const uint8_t* data, size_t size) {
  for (; size >= 8; data += 8, size -= 8) {
    const uint64_t word = LoadLe<uint64_t>(data) ^ state;
    state = 0;
    for (size_t i = 0; i < 8; ++i) state ^= kTables[7 - i][word >> (8 * i) & 0xFF];
  }
  for (; size > 0; ++data, --size) state = state >> 8 ^ kTables[0][(state ^ *data) & 0xFF];
  return state;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) uint32_t UpdateHardware(uint32_t state, const uint8_t* data, size_t size) {
  uint64_t wide = state;
  for (; size >= 8; data += 8, size -= 8) wide = _mm_crc32_u64(wide, LoadLe<uint64_t>(data));
  state = static_cast<uint32_t>(wide);
  for (; size > 0; ++data, --size) state = _mm_crc32_u8(state, *data);
  return state;
}
bool HaveHardware() { return __builtin_cpu_supports("sse4.2"); }
#elif defined(__aarch64__)
__attribute__((target("+crc"))) uint32_t UpdateHardware(uint32_t state, const uint8_t* data, size_t size) {
  for (; size >= 8; data += 8, size -= 8) state = __crc32cd(state, LoadLe<uint64_t>(data));
  for (; size > 0; ++data, --size) state = __crc32cb(state, *data);
  return state;
}
bool HaveHardware() { return (getauxval(AT_HWCAP) & (1u << 7)) != 0; }  // HWCAP_CRC32
#else
uint32_t UpdateHardware(uint32_t state, const uint8_t* data, size_t size) { return UpdatePortable(state, data, size); }
bool HaveHardware() { return false; }
#endif

}  // namespace

Crc32c& Crc32c::Update(ByteView bytes) {
  static const UpdateFunction update = HaveHardware() ? UpdateHardware : UpdatePortable;
  state_ = update(state_, bytes.data(), bytes.size());
  return *this;
}

uint32_t ComputeCrc32cPortable(ByteView bytes) { return ~UpdatePortable(0xFFFFFFFF, bytes.data(), bytes.size()); }

}  // namespace pitr
