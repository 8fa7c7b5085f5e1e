// Anything as WAL: whole reader, record decoder and event decoder. With a first byte of 1 the bytes are the main data
// and headers of records with right checksums, so that the decoders behind the checksum are reached.
#include "core/pg/wal_reader.h"

#include <cstdlib>

#include "core/pg/recovery_target.h"
#include "core/pg/wal_event.h"
#include "fuzz/target.h"
#include "unit/pg/wal_builder.h"

namespace {

using namespace pitr;

constexpr uint32_t kSegmentSize = WalBuilder::kSegmentSize;
constexpr Lsn kStart{3u << 20};

void ReadAll(WalReader& reader) {
  Lsn last;
  for (;;) {
    const auto record = reader.Next();
    if (!record.ok() || record.value() == nullptr) return;
    if (record.value()->start <= last || record.value()->end <= record.value()->start) abort();
    last = record.value()->start;
    const auto event = DecodeWalEvent(*record.value());
    if (event.ok() && event.value()) (void)DecideStop({StopTarget::Kind::kTime}, last, &*event.value());
  }
}

void FuzzRecords(ByteView input) {
  WalBuilder wal(15 + input[0] % 5);
  input = input.subspan(1);
  while (input.size() >= 4) {
    const uint8_t rmgr = input[0] % 23, info = input[1];
    const size_t size = std::min<size_t>(LoadLe<uint16_t>(&input[2]), input.size() - 4);
    if (info % 2 == 0)
      wal.AddData(static_cast<Rmgr>(rmgr), info, input.subspan(4, size));
    else
      wal.Add(static_cast<Rmgr>(rmgr), info, input.subspan(4, size));
    input = input.subspan(4 + size);
  }
  SegmentPageSource source(kSegmentSize, [&](SegmentNo no) -> Result<ByteView> {
    return wal.Has(no) ? ByteView(wal.Segment(no)) : ByteView();
  });
  WalReader reader(source, {kStart, kSegmentSize, {}});
  ReadAll(reader);
}

// The input laid over WAL that is right, as pages: a mutation of headers and records in place.
void FuzzPages(ByteView input) {
  WalBuilder wal(15 + input[0] % 5);
  input = input.subspan(1);
  for (size_t size : {10, 9000, 100, 20000, 5}) wal.AddFiller(size);
  Bytes& segment = wal.Segment(SegmentOf(kStart, kSegmentSize));
  while (input.size() >= 3) {
    const size_t at = LoadLe<uint16_t>(input.data());
    segment[at] = input[2];
    input = input.subspan(3);
  }
  (void)CheckSegmentHeader(segment);
  SegmentPageSource source(kSegmentSize, [&](SegmentNo no) -> Result<ByteView> {
    return wal.Has(no) ? ByteView(wal.Segment(no)) : ByteView();
  });
  WalReader reader(source, {{kStart.value + 100}, kSegmentSize, WalBuilder::kSystem});
  ReadAll(reader);
}

}  // namespace

PITR_FUZZ_TARGET(wal_reader)(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const ByteView input(data + 1, size - 1);
  if (data[0] % 2 == 1)
    FuzzRecords(input);
  else
    FuzzPages(input);
  return 0;
}
