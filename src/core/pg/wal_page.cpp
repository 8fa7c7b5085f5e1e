// WAL page headers. The flag for an abandoned record moved from bit 3 to bit 2 in version 19.
#include "core/pg/wal_page.h"

#include <algorithm>
#include <cassert>

namespace pitr {
namespace {

constexpr uint16_t kContinues = 0x0001, kLong = 0x0002;
// Bit 2 was a flag (backup blocks may be removed) until 18.
constexpr uint16_t OverwriteFlag(int pg_major) { return pg_major >= 19 ? 0x0004 : 0x0008; }
constexpr uint16_t AllFlags(int pg_major) { return pg_major >= 19 ? 0x0007 : 0x000F; }

std::string Hex(uint16_t value) {
  const uint8_t bytes[] = {static_cast<uint8_t>(value >> 8), static_cast<uint8_t>(value)};
  return ToHex(bytes);
}

Status BadPage(Lsn address, const std::string& what) {
  return {Code::kCorruption, "WAL page at " + address.ToString() + " " + what};
}

}  // namespace

std::optional<int> PgMajorOfWalMagic(uint16_t magic) {
  switch (magic) {
    case 0xD110:
      return 15;
    case 0xD113:
      return 16;
    case 0xD116:
      return 17;
    case 0xD118:
      return 18;
    case 0xD122:
      return 19;
    default:
      return std::nullopt;
  }
}

WalPageHeader ReadWalPageHeader(ByteView page) {
  assert(page.size() >= kLongWalPageHeaderSize);
  const uint8_t* p = page.data();
  WalPageHeader header;
  header.magic = LoadLe<uint16_t>(p);
  header.pg_major = PgMajorOfWalMagic(header.magic).value_or(0);
  header.info = LoadLe<uint16_t>(p + 2);
  header.timeline = {LoadLe<uint32_t>(p + 4)};
  header.address = {LoadLe<uint64_t>(p + 8)};
  header.remaining_size = LoadLe<uint32_t>(p + 16);
  header.continues_record = (header.info & kContinues) != 0;
  header.is_long = (header.info & kLong) != 0;
  header.overwrites_record = (header.info & OverwriteFlag(header.pg_major)) != 0;
  if (header.is_long) {
    header.system_id = {LoadLe<uint64_t>(p + 24)};
    header.segment_size = LoadLe<uint32_t>(p + 32);
    header.block_size = LoadLe<uint32_t>(p + 36);
  }
  return header;
}

Status CheckWalPageHeader(const WalPageHeader& header, Lsn expected_address, uint32_t segment_size) {
  const Lsn at = expected_address;
  if (header.pg_major == 0) return BadPage(at, "has an unknown magic number " + Hex(header.magic));
  if ((header.info & ~AllFlags(header.pg_major)) != 0) return BadPage(at, "has unknown flags " + Hex(header.info));
  const bool starts_segment = at.value % segment_size == 0;
  if (header.is_long && (header.segment_size != segment_size || header.block_size != kWalPageSize))
    return BadPage(at, "is of WAL with segments of " + std::to_string(header.segment_size) + " and pages of " +
                           std::to_string(header.block_size) + " bytes");
  if (starts_segment && !header.is_long) return BadPage(at, "starts a segment without its header");
  if (header.address != at) return BadPage(at, "says it is at " + header.address.ToString());
  if (!header.timeline.valid()) return BadPage(at, "has no timeline");
  return Status::Ok();
}

Result<SegmentHeader> CheckSegmentHeader(ByteView first_bytes) {
  if (first_bytes.size() < kLongWalPageHeaderSize)
    return Status(Code::kCorruption,
                  "WAL segment is too short to have a header: " + std::to_string(first_bytes.size()) + " bytes");
  const WalPageHeader header = ReadWalPageHeader(first_bytes);
  const ByteView start = first_bytes.first(kLongWalPageHeaderSize);
  if (std::all_of(start.begin(), start.end(), [](uint8_t byte) { return byte == 0; }))
    return Status(Code::kCorruption, "WAL segment starts with zeroes: it was never written");
  if (header.pg_major == 0 && (header.magic >> 8 == 0xD0 || header.magic >> 8 == 0xD1))
    return Status(Code::kInvalidArgument, "WAL segment has magic number " + Hex(header.magic) +
                                              ", which is of an unsupported version of PostgreSQL")
        .WithDetail("Released versions of PostgreSQL 15 to 19 are supported.");
  if (header.pg_major == 0)
    return Status(Code::kCorruption, "WAL segment starts with an unknown magic number " + Hex(header.magic));
  if (!header.is_long) return Status(Code::kCorruption, "WAL segment starts without a segment header");
  if (!IsValidSegmentSize(header.segment_size))
    return Status(Code::kCorruption, "WAL segment says it has " + std::to_string(header.segment_size) + " bytes");
  PITR_TRY(CheckWalPageHeader(header, header.address, header.segment_size));
  if (header.address.value % header.segment_size != 0)
    return Status(Code::kCorruption, "WAL segment says it starts at " + header.address.ToString());
  if (!header.system_id.valid()) return Status(Code::kCorruption, "WAL segment has no system identifier");
  return SegmentHeader{header.pg_major, header.system_id, header.timeline, header.address, header.segment_size};
}

Status CheckSegmentIs(const SegmentHeader& header, SystemId system_id, Timeline timeline, SegmentNo segment,
                      uint32_t segment_size) {
  if (header.system_id != system_id)
    return Status(Code::kConflict, "WAL segment is of the cluster with system identifier " +
                                       std::to_string(header.system_id.value) + ", not " +
                                       std::to_string(system_id.value));
  if (header.segment_size != segment_size)
    return Status(Code::kCorruption, "WAL segment says it has " + std::to_string(header.segment_size) + " bytes, not " +
                                         std::to_string(segment_size));
  if (header.start != SegmentStart(segment, segment_size))
    return Status(Code::kCorruption, "WAL segment says it starts at " + header.start.ToString() + ", not at " +
                                         SegmentStart(segment, segment_size).ToString());
  if (header.timeline > timeline)
    return Status(Code::kCorruption, "WAL segment is of timeline " + std::to_string(header.timeline.value) +
                                         ", which is newer than timeline " + std::to_string(timeline.value) +
                                         " in its name");
  return Status::Ok();
}

}  // namespace pitr
