// What the sample repositories in test/golden/repo-v1 hold. Written once by test/tools/golden_repository.cpp and read
// by every later version; so this file may grow with new samples and never changes what is there.
#pragma once
#include <string>
#include <vector>

#include "core/pg/wal_page.h"
#include "core/repo/archive/wal_seal.h"
#include "core/repo/marker.h"
#include "lib/stored_segment.h"

namespace pitr::test {

inline const ClusterIdentity kGoldenCluster{{7411111111111111111u}, 1u << 20, 15};
inline const std::string kGoldenPassphrase = "correct horse battery staple";
inline const std::string kGoldenSecondPassphrase = "a second one";

struct GoldenWal {
  std::string name;
  Bytes bytes;
};

// A segment whose first page header is right and whose pages repeat a text, so that the sample stays small.
inline Bytes GoldenSegment(uint32_t timeline, uint64_t number) {
  const uint32_t size = kGoldenCluster.segment_size_bytes;
  Bytes bytes(size);
  const std::string text = "segment " + std::to_string(number) + " of timeline " + std::to_string(timeline) + ". ";
  for (size_t i = kLongWalPageHeaderSize; i < size / 2; i++) bytes[i] = static_cast<uint8_t>(text[i % text.size()]);
  WriteSegmentHeader(bytes, number, timeline, kGoldenCluster.system_id);
  return bytes;
}

inline std::vector<GoldenWal> GoldenWalFiles() {
  auto text = [](std::string_view t) { return Bytes(t.begin(), t.end()); };
  return {
      {"000000010000000000000001", GoldenSegment(1, 1)},
      {"000000010000000000000002", GoldenSegment(1, 2)},
      {"000000010000000000000004", GoldenSegment(1, 4)},  // 3 is a gap
      {"000000010000000000000002.00000028.backup",
       text("START WAL LOCATION: 0/200028 (file 000000010000000000000002)\n")},
      {"00000002.history", text("1\t0/500100\tno recovery target specified\n")},
      {"000000020000000000000005", GoldenSegment(1, 5)},  // begins with pages of the parent
      {"000000020000000000000006", GoldenSegment(2, 6)},
  };
}

// The beginning of a segment; what the object holds behind that is not handed out.
inline const std::string kGoldenPartialSegment = "000000010000000000000005";
inline constexpr uint32_t kGoldenPartialEnd = 0x1234;
inline constexpr uint32_t kGoldenPartialBytes = 2 * 8192;

// Of one of its groups, beside the repository (test/golden/repo-v1/seals).
inline constexpr WalGroup kGoldenSealed{{1}, 7};
inline constexpr WalSeal kGoldenSeal{123456789012345, 1779460000000014};
inline constexpr std::string_view kGoldenSealText =
    R"({"pg_pitr_sealed":1,"segments":1048576,"stored_bytes":123456789012345,"newest_micros":1779460000000014,)"
    R"("sealed_micros":1779460000000015})";

}  // namespace pitr::test
