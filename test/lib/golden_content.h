// What the files of the sample backups are made of (golden_backup.h). Spelled out, for it must be the same for ever.
#pragma once
#include <algorithm>
#include <cstdint>
#include <string_view>

#include "core/base/bytes.h"
#include "core/pg/page.h"

namespace pitr::test {

inline Bytes GoldenText(std::string_view text) { return Bytes(text.begin(), text.end()); }

// Looks random, so it does not compress.
inline Bytes GoldenNoise(size_t size, uint64_t seed) {
  Bytes bytes(size);
  for (uint8_t& byte : bytes) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    byte = static_cast<uint8_t>(seed >> 56);
  }
  return bytes;
}

// Pages of a relation from block `block` on, each with its number, a little noise and a right checksum. The LSN, when
// it is not given, is older than every backup, and than all WAL of the cluster.
inline Bytes GoldenPages(uint32_t block, uint32_t count, uint64_t seed, uint32_t lsn = 0x90000) {
  Bytes bytes(size_t{count} * kPageSize);
  for (uint32_t i = 0; i < count; i++) {
    uint8_t* page = &bytes[size_t{i} * kPageSize];
    StoreLe<uint32_t>(page + 4, lsn);
    StoreLe<uint16_t>(page + 12, 24);    // lower
    StoreLe<uint16_t>(page + 14, 4096);  // upper
    StoreLe<uint16_t>(page + 16, kPageSize);
    StoreLe<uint16_t>(page + 18, kPageSize | 4);
    const Bytes noise = GoldenNoise(16, seed * 1000003 + block + i);
    std::copy(noise.begin(), noise.end(), page + 4096);
    std::fill(page + 4112, page + kPageSize, static_cast<uint8_t>(seed));
    StoreLe<uint16_t>(page + 8, ComputePageChecksum({page, kPageSize}, block + i));
  }
  return bytes;
}

}  // namespace pitr::test
