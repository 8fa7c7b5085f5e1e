// Anything as a name: of a WAL file, of a relation file, of a path in a data directory, of a position.
#include "core/pg/wal_name.h"

#include <cstdlib>

#include "core/base/bytes.h"
#include "core/pg/relation_file.h"
#include "fuzz/target.h"

PITR_FUZZ_TARGET(wal_name)(const uint8_t* data, size_t size) {
  using namespace pitr;
  if (size < 1) return 0;
  const uint32_t segment_size = 1u << (20 + data[0] % 11);
  const std::string_view name = AsText({data + 1, size - 1});
  const auto parsed = ParseWalFileName(name, segment_size);
  if (parsed && parsed->kind == WalFileKind::kSegment &&
      SegmentFileName(parsed->timeline, parsed->segment, segment_size) != name)
    abort();
  if (parsed && parsed->kind == WalFileKind::kHistory && HistoryFileName(parsed->timeline) != name) abort();
  if (const auto lsn = Lsn::Parse(name); lsn && Lsn::Parse(lsn->ToString()) != lsn) abort();
  if (ParseRelationFileName(name) && IsTemporaryRelationName(name)) abort();
  (void)TreatmentOf(name, false);
  (void)TreatmentOf(name, true);
  if (HasPages(name) && TreatmentOf(name, false) != BackupTreatment::kCopy) abort();
  return 0;
}
