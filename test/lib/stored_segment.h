// A WAL segment that says what its name says, stored in a repository.
#pragma once
#include "core/pg/wal_page.h"
#include "core/repo/layout.h"
#include "core/repo/repository.h"

namespace pitr::test {

inline Bytes SegmentBytes(const ClusterIdentity& cluster, uint64_t number, uint32_t timeline = 1) {
  Bytes bytes(cluster.segment_size_bytes);
  StoreLe(&bytes[0], uint16_t{0xD110});  // PostgreSQL 15
  StoreLe(&bytes[2], uint16_t{2});       // long header
  StoreLe(&bytes[4], timeline);
  StoreLe(&bytes[8], number * cluster.segment_size_bytes);
  StoreLe(&bytes[24], cluster.system_id.value);
  StoreLe(&bytes[32], cluster.segment_size_bytes);
  StoreLe(&bytes[36], uint32_t{8192});
  return bytes;
}

inline Status StoreSegment(const Repository& repository, uint64_t number, uint32_t timeline = 1) {
  const ClusterIdentity& cluster = repository.marker().cluster;
  const std::string name = SegmentFileName(Timeline{timeline}, SegmentNo{number}, cluster.segment_size_bytes);
  return repository.CreateObject(ObjectKind::kWal, layout::WalKey(name), SegmentBytes(cluster, number, timeline),
                                 OpContext());
}

}  // namespace pitr::test
