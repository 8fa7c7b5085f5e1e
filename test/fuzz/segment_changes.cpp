// A WAL segment whose records are anything, with right checksums, or whose bytes are: what changed in it, how far it
// goes.
#include "core/pg/segment_changes.h"

#include <algorithm>
#include <cstdlib>

#include "core/pg/wal_extent.h"
#include "core/repo/archive/change_map.h"
#include "fuzz/target.h"
#include "unit/pg/wal_builder.h"

namespace {

using namespace pitr;

constexpr Lsn kFuzzedStart{3u << 20};

// Each piece of the input is a record: manager, info, length, body.
void AddRecords(WalBuilder& wal, ByteView input) {
  while (input.size() >= 4) {
    const size_t size = std::min<size_t>(LoadLe<uint16_t>(&input[2]), input.size() - 4);
    wal.Add(static_cast<Rmgr>(input[0] % 23), input[1], input.subspan(4, size), input[1]);
    input = input.subspan(4 + size);
  }
  wal.AddFiller(8);
}

}  // namespace

PITR_FUZZ_TARGET(segment_changes)(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  WalBuilder wal(15 + data[0] % 5);
  const ByteView input(data + 2, size - 2);
  if (data[1] % 2 == 0) {
    AddRecords(wal, input);
  } else {
    for (const size_t filler : {10, 9000, 100, 20000, 5}) wal.AddFiller(filler);
    Bytes& segment = wal.Segment(SegmentOf(kFuzzedStart, WalBuilder::kSegmentSize));
    for (size_t i = 0; i + 3 <= input.size(); i += 3) segment[LoadLe<uint16_t>(&input[i])] = input[i + 2];
  }
  if (data[1] % 4 < 2) wal.Switch();
  const Bytes& segment = wal.Segment(SegmentOf(kFuzzedStart, WalBuilder::kSegmentSize));
  if (const auto changes = ReadSegmentChanges(segment, kFuzzedStart); changes.ok()) {
    const Bytes map = EncodeChangeMap(changes.value());
    const auto again = ParseChangeMap(map);
    if (!again.ok() || EncodeChangeMap(again.value()) != map) abort();
  }
  (void)ReadSegmentChanges(segment, kFuzzedStart, wal.at());
  SegmentPageSource source(WalBuilder::kSegmentSize, [&](SegmentNo no) -> Result<ByteView> {
    return wal.Has(no) ? ByteView(wal.Segment(no)) : ByteView();
  });
  for (const TornRecord torn : {TornRecord::kDamage, TornRecord::kEnd}) {
    const auto extent = FindWalExtent(source, kFuzzedStart, WalBuilder::kSegmentSize, torn);
    if (extent.ok() &&
        (extent.value().end < kFuzzedStart || extent.value().end.value > kFuzzedStart.value + WalBuilder::kSegmentSize))
      abort();
  }
  return 0;
}
