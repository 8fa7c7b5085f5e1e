// Prints the changed blocks that consecutive WAL segments tell of, for comparison with pg_waldump:
//   pitr_change_dump wal DIRECTORY FIRST-SEGMENT LAST-SEGMENT
// Segments are named as files, and are of the timeline of the first. Lines as changes_text.h writes them.
// Exit code 0, 1 for what cannot be read, 2 for wrong use.
#include <cstdio>
#include <fstream>
#include <iterator>

#include "core/pg/segment_changes.h"
#include "core/pg/wal_name.h"
#include "core/pg/wal_page.h"
#include "lib/changes_text.h"

namespace pitr {
namespace {

Bytes ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

Result<BlockChanges> FromWal(const std::string& directory, const std::string& first, const std::string& last) {
  PITR_ASSIGN(const SegmentHeader header, CheckSegmentHeader(ReadFile(directory + "/" + first)));
  const uint32_t size = header.segment_size;
  const auto from = ParseWalFileName(first, size), to = ParseWalFileName(last, size);
  if (!from || !to) return Status(Code::kInvalidArgument, "these are not names of segments");
  SegmentChangesJoiner joiner;
  for (SegmentNo no = from->segment; no <= to->segment; no.value++) {
    const Bytes bytes = ReadFile(directory + "/" + SegmentFileName(from->timeline, no, size));
    PITR_ASSIGN(const SegmentChanges segment, ReadSegmentChanges(bytes, SegmentStart(no, size)));
    PITR_TRY(joiner.Add(segment));
  }
  return joiner.Take();
}

}  // namespace
}  // namespace pitr

int main(int argc, char** argv) {
  if (argc != 5 || std::string(argv[1]) != "wal") {
    fprintf(stderr, "usage: pitr_change_dump wal DIRECTORY FIRST-SEGMENT LAST-SEGMENT\n");
    return 2;
  }
  const auto changes = pitr::FromWal(argv[2], argv[3], argv[4]);
  if (!changes.ok()) {
    fprintf(stderr, "%s\n", changes.status().ToString().c_str());
    return 1;
  }
  fputs(pitr::ChangesText(changes.value()).c_str(), stdout);
  return 0;
}
