// CRC-32C (Castagnoli, reflected, initial value and final xor all ones), as PostgreSQL uses for WAL
// records and pg_control. Uses the processor's instruction where there is one. Any thread.
#pragma once
#include "core/base/bytes.h"

namespace pitr {

class Crc32c {
 public:
  Crc32c& Update(ByteView bytes);
  uint32_t value() const { return ~state_; }

 private:
  uint32_t state_ = 0xFFFFFFFF;
};

inline uint32_t ComputeCrc32c(ByteView bytes) { return Crc32c().Update(bytes).value(); }

// The portable implementation, for tests and for processors without the instruction.
uint32_t ComputeCrc32cPortable(ByteView bytes);

}  // namespace pitr
