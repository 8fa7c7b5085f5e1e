#include "lib/golden_backup.h"

#include <algorithm>

#include "core/pg/control.h"
#include "core/pg/relation_file.h"
#include "lib/golden.h"
#include "lib/golden_content.h"
#include "lib/golden_repository.h"

namespace pitr::test {
namespace {

// A real control file, made one of the sample's cluster.
Bytes ControlOfGoldenCluster() {
  Bytes control = LoadGolden("pg/pg15_pg_control.zst");
  const auto real = ParseControlFile(control);
  if (!real.ok()) return {};
  StoreLe<uint64_t>(&control[0], kGoldenCluster.system_id.value);
  for (size_t at = 8; at + 4 <= 512; at += 4) {
    // The size of a segment follows that of a WAL block.
    if (LoadLe<uint32_t>(&control[at]) == real.value().segment_size &&
        LoadLe<uint32_t>(&control[at - 4]) == real.value().wal_block_size)
      StoreLe<uint32_t>(&control[at], kGoldenCluster.segment_size_bytes);
  }
  return SealControlFile(control).ok() ? control : Bytes{};
}

std::vector<GoldenFile> SmallFiles() {
  Bytes bad = GoldenPages(0, 2, 90);
  bad[kPageSize + 5000] ^= 1;
  const std::string space = "pg_tblspc/" + std::to_string(kGoldenTablespaceOid) + "/PG_15_202209061/5/";
  const std::string in_place = "pg_tblspc/" + std::to_string(kGoldenInPlaceOid) + "/PG_15_202209061/5/";
  return {
      {"PG_VERSION", GoldenText("15\n")},
      {"postgresql.conf", GoldenText("shared_buffers = 128MB\n"), 0640},
      {"pg_hba.conf", {}, 0640},
      {kControlFilePath, ControlOfGoldenCluster()},
      {"base/5/PG_VERSION", GoldenText("15\n")},
      {"base/5/16387", {}},
      {"base/5/16388_vm", GoldenPages(0, 1, 88)},
      {kGoldenBadPagePath, bad},
      {"base/5/20000", GoldenPages(0, 2, 20), 0600, /*stored=*/false},  // unlogged: its init fork only
      {"base/5/20000_fsm", GoldenPages(0, 1, 21), 0600, false},
      {"base/5/20000_init", GoldenPages(0, 1, 22)},
      {"base/5/t3_20001", GoldenPages(0, 1, 23), 0600, false},
      {"postmaster.pid", GoldenText("4711\n"), 0600, false},
      {space + "30000", GoldenPages(0, 2, 30)},
      {in_place + "30001", GoldenPages(0, 1, 31)},
      {"caf\xE9/\xFF\xFE", GoldenText("a name that is not UTF-8\n")},
      {"name with\nnewline \"quotes\" \\", GoldenText("a name that needs escapes\n")},
  };
}

std::vector<GoldenFile> LargeFiles() {
  Bytes sparse(size_t{300} * kPageSize);  // data in the middle only
  const Bytes page = GoldenPages(200, 1, 85);
  std::copy(page.begin(), page.end(), sparse.begin() + ptrdiff_t{200} * kPageSize);
  return {
      {"base/5/16384", GoldenPages(0, 131, 84)},  // more than a frame
      {"base/5/16384.1", GoldenPages(kBlocksPerSegment, 2, 841)},
      {"base/5/16385", sparse},
      {"base/5/16386", Bytes(size_t{2} * kPageSize)},
      {"base/5/16389", GoldenPages(0, 129, 89)},
      {"base/5/noise", GoldenNoise(20000, 7)},
  };
}

}  // namespace

std::string GoldenBackupLabel() {
  return "START WAL LOCATION: 0/100028 (file 000000010000000000000001)\nCHECKPOINT LOCATION: 0/100060\n"
         "BACKUP METHOD: streamed\nBACKUP FROM: primary\nSTART TIME: 2026-05-22 09:00:14 UTC\nLABEL: golden \xE9\n"
         "START TIMELINE: 1\n";
}

std::vector<GoldenBackup> GoldenBackups() {
  GoldenBackup whole{"20260522-090014F", 3, SmallFiles()};
  const std::vector<GoldenFile> large = LargeFiles();
  whole.files.insert(whole.files.end(), large.begin(), large.end());
  return {whole, {"20260522-100000F", 0, SmallFiles()}};
}

}  // namespace pitr::test
