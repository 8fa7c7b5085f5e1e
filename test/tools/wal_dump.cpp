// Prints the records of archived WAL segments, one a line, for comparison with pg_waldump:
//   pitr_wal_dump DIRECTORY TIMELINE START-LSN [END-LSN]
// Lines as wal_text.h writes them.
// Exit code 0 at the end of WAL (the reason on the last line), 1 for damage, 2 for wrong use.
#include <charconv>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

#include "core/pg/wal_event.h"
#include "core/pg/wal_name.h"
#include "core/pg/wal_page.h"
#include "core/pg/wal_reader.h"
#include "lib/wal_text.h"

namespace pitr {
namespace {

Bytes ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

int Dump(const std::string& directory, Timeline timeline, Lsn start, Lsn end) {
  uint32_t segment_size = 0;
  for (uint32_t size = 1u << 20; size <= 1u << 30 && segment_size == 0; size *= 2) {
    const Bytes first = ReadFile(directory + "/" + SegmentFileName(timeline, SegmentOf(start, size), size));
    const auto header = CheckSegmentHeader(first);
    if (header.ok() && header.value().segment_size == size) segment_size = size;
  }
  if (segment_size == 0) {
    fprintf(stderr, "no segment with %s in %s\n", start.ToString().c_str(), directory.c_str());
    return 2;
  }
  Bytes segment;
  SegmentPageSource source(segment_size, [&](SegmentNo no) -> Result<ByteView> {
    segment = ReadFile(directory + "/" + SegmentFileName(timeline, no, segment_size));
    return ByteView(segment);
  });
  WalReader reader(source, {start, segment_size, {}});
  for (;;) {
    const auto record = reader.Next();
    if (!record.ok()) {
      fprintf(stderr, "%s\n", record.status().ToString().c_str());
      return 1;
    }
    if (record.value() == nullptr) break;
    if (end.valid() && record.value()->start >= end) return 0;
    const auto event = DecodeWalEvent(*record.value());
    if (!event.ok()) {
      fprintf(stderr, "%s\n", event.status().ToString().c_str());
      return 1;
    }
    puts(WalRecordText(*record.value(), event.value() ? &*event.value() : nullptr).c_str());
  }
  constexpr const char* kReasons[] = {"none", "no page", "zeroes", "old page"};
  printf("end %s %s%s\n", reader.end().lsn.ToString().c_str(), kReasons[static_cast<int>(reader.end().reason)],
         reader.end().incomplete_record ? " incomplete" : "");
  return 0;
}

}  // namespace
}  // namespace pitr

int main(int argc, char** argv) {
  const auto start = argc > 3 ? pitr::Lsn::Parse(argv[3]) : std::nullopt;
  const auto end = argc > 4 ? pitr::Lsn::Parse(argv[4]) : pitr::Lsn{};
  if (!start || !end) {
    fprintf(stderr, "usage: pitr_wal_dump DIRECTORY TIMELINE START-LSN [END-LSN]\n");
    return 2;
  }
  return pitr::Dump(argv[1], {static_cast<uint32_t>(std::stoul(argv[2]))}, *start, *end);
}
