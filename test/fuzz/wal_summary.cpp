// Whatever a WAL summary says, reading it does not crash. The checksum is put right, so that what is behind it is
// reached.
#include "core/pg/wal_summary.h"

#include "core/pg/crc32c.h"
#include "fuzz/target.h"

PITR_FUZZ_TARGET(wal_summary)(const uint8_t* data, size_t size) {
  using namespace pitr;
  (void)ParseWalSummaryName(AsText({data, size}));
  Bytes file;
  AppendLe(file, uint32_t{0x652b137b});
  file.insert(file.end(), data, data + size);
  AppendLe(file, ComputeCrc32c(file));
  BlockChanges changes;
  (void)AddWalSummary({data, size}, &changes);
  (void)AddWalSummary(file, &changes);
  for (const RelationFork& fork : changes.SortedForks()) (void)changes.ChangedBlocks(fork, 0, 100);
  return 0;
}
