// A WAL segment that says what its name says, stored in a repository.
#pragma once
#include "core/pg/wal_page.h"
#include "core/repo/layout.h"
#include "core/repo/repository.h"

namespace pitr::test {

// The first page header of `segment`, which has its full size already.
inline void WriteSegmentHeader(Bytes& segment, uint64_t number, uint32_t timeline, SystemId system_id) {
  const auto size = static_cast<uint32_t>(segment.size());
  StoreLe(&segment[0], uint16_t{0xD110});  // PostgreSQL 15
  StoreLe(&segment[2], uint16_t{2});       // long header
  StoreLe(&segment[4], timeline);
  StoreLe(&segment[8], number * size);
  StoreLe(&segment[24], system_id.value);
  StoreLe(&segment[32], size);
  StoreLe(&segment[36], uint32_t{8192});
}

inline Status StoreSegment(const Repository& repository, uint64_t number, uint32_t timeline = 1) {
  const ClusterIdentity& cluster = repository.marker().cluster;
  const std::string name = SegmentFileName(Timeline{timeline}, SegmentNo{number}, cluster.segment_size_bytes);
  Bytes segment(cluster.segment_size_bytes);
  WriteSegmentHeader(segment, number, timeline, cluster.system_id);
  return repository.CreateObject(ObjectKind::kWal, layout::WalKey(name), segment, OpContext());
}

}  // namespace pitr::test
