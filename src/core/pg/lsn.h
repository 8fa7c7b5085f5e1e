// PostgreSQL's coordinates as distinct types: Lsn (byte position in WAL), Timeline, SegmentNo, SystemId.
// Text forms are PostgreSQL's: "0/16B3748", timeline in decimal, system identifier in decimal.
#pragma once
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pitr {

struct Lsn {
  uint64_t value = 0;  // 0 is never a valid position
  constexpr bool valid() const { return value != 0; }
  constexpr auto operator<=>(const Lsn&) const = default;
  std::string ToString() const;  // "16/B374D848"
  // Two hexadecimal halves of 1..8 digits; nullopt for anything else.
  static std::optional<Lsn> Parse(std::string_view text);
};

struct Timeline {
  uint32_t value = 0;  // 0 is never a valid timeline
  constexpr bool valid() const { return value != 0; }
  constexpr auto operator<=>(const Timeline&) const = default;
};

// Number of a segment from the start of WAL: lsn / segment size.
struct SegmentNo {
  uint64_t value = 0;
  constexpr auto operator<=>(const SegmentNo&) const = default;
};

struct SystemId {
  uint64_t value = 0;
  constexpr bool valid() const { return value != 0; }
  constexpr auto operator<=>(const SystemId&) const = default;
};

// Power of two, 1 MiB to 1 GiB.
constexpr bool IsValidSegmentSize(uint64_t bytes) {
  return bytes >= (1u << 20) && bytes <= (1u << 30) && (bytes & (bytes - 1)) == 0;
}
constexpr SegmentNo SegmentOf(Lsn lsn, uint32_t segment_size) { return {lsn.value / segment_size}; }
// The segment holding the last byte before `lsn` (where a position may be an exclusive end).
constexpr SegmentNo SegmentBefore(Lsn lsn, uint32_t segment_size) { return {(lsn.value - 1) / segment_size}; }
constexpr Lsn SegmentStart(SegmentNo no, uint32_t segment_size) { return {no.value * segment_size}; }

}  // namespace pitr
