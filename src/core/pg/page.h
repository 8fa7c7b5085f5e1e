// A page of a relation file: header fields, checksum, verdict. Pages are 8192 bytes (kPageSize), the
// only block size supported. Pure functions; any thread. Format: PostgreSQL storage/bufpage.h,
// checksum algorithm: storage/checksum_impl.h (unchanged in 15 to 19).
#pragma once
#include "core/base/bytes.h"
#include "core/pg/lsn.h"

namespace pitr {

inline constexpr size_t kPageSize = 8192;
inline constexpr uint32_t kBlocksPerSegment = 131072;  // 1 GiB segments of a relation

// The block number checksums are computed with, which counts through all segments of a relation.
constexpr uint32_t BlockInRelation(uint32_t segment, uint32_t block_in_segment) {
  return segment * kBlocksPerSegment + block_in_segment;
}

struct PageHeader {
  Lsn lsn;  // end of the last WAL record that changed the page; 0/0 for a page never logged
  uint16_t checksum = 0;
  uint16_t flags = 0;
  uint16_t lower = 0, upper = 0, special = 0;  // offsets of free space's start, its end, and special space
  uint16_t page_size = 0;
  uint8_t layout_version = 0;
  bool IsNew() const { return upper == 0; }
  // What the server demands of a page that is not new before it looks at the rest.
  bool IsSane() const;
};

enum class PageVerdict {
  kOk,   // checksum and header are right
  kNew,  // all zeroes: allocated, never written
  kBad   // checksum or header wrong: torn by a concurrent write, or damaged
};

// All of these: `page` has exactly kPageSize bytes; no alignment needed.
PageHeader ReadPageHeader(ByteView page);
uint16_t ComputePageChecksum(ByteView page, uint32_t block_in_relation);
// For clusters whose data checksums are fully on.
PageVerdict VerifyPage(ByteView page, uint32_t block_in_relation);
// For clusters without data checksums: kBad only for an impossible header.
PageVerdict VerifyPageHeader(ByteView page);

}  // namespace pitr
