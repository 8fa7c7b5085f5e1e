// What change maps cost beside the push of WAL: processor time and bytes, of both over the same segments in the same
// run. One thread, into memory, so that nothing else counts.
//
//   push_bench WAL_DIRECTORY [ROUNDS]   a copy of a pg_wal, of a cluster of 15 to 19
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/pg/wal_page.h"
#include "core/repo/archive/change_map_maker.h"
#include "core/repo/layout.h"
#include "core/repo/opening/open_repository.h"
#include "core/repo/wal/wal_push.h"
#include "core/store/memory.h"

namespace pitr {
namespace {

struct Cost {
  double push_seconds = 0;  // of processor time
  double map_seconds = 0;
  uint64_t wal_bytes = 0;
  uint64_t map_bytes = 0;
  uint64_t maps = 0;
};

double CpuSeconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

Result<ClusterIdentity> IdentityOf(const std::string& path) {
  Bytes first(kLongWalPageHeaderSize);
  FILE* file = fopen(path.c_str(), "rb");
  const size_t got = file == nullptr ? 0 : fread(first.data(), 1, first.size(), file);
  if (file != nullptr) fclose(file);
  PITR_ASSIGN(const SegmentHeader header, CheckSegmentHeader(ByteView(first).first(got)));
  return ClusterIdentity{header.system_id, header.segment_size, header.pg_major};
}

Result<Cost> PushAll(const std::vector<std::string>& paths, const ClusterIdentity& cluster) {
  const Config config;
  auto store = std::make_unique<MemoryStore>();
  ObjectStore& objects = *store;
  PITR_ASSIGN(const auto repository,
              OpenOrCreateRepositoryOn(std::move(store), config, cluster, NullLog(), OpContext()));
  Cost cost;
  for (const std::string& path : paths) {
    const std::string name = std::filesystem::path(path).filename();
    const double begun = CpuSeconds();
    PITR_ASSIGN(const WalPushResult pushed, PushWalFile(*repository, name, path, OpContext()));
    const double stored = CpuSeconds();
    cost.wal_bytes += pushed.stored_bytes;
    if (Status made = MakeChangeMap(*repository, name, path, OpContext()); !made.ok())
      fprintf(stderr, "%s: %s\n", name.c_str(), made.ToString().c_str());
    cost.push_seconds += stored - begun;
    cost.map_seconds += CpuSeconds() - stored;
  }
  PITR_TRY(ListAll(objects, std::string(layout::kChangeMapPrefix), OpContext(), [&](const ObjectInfo& object) {
    cost.map_bytes += object.size;
    cost.maps++;
    return Status::Ok();
  }));
  return cost;
}

int Bench(const std::string& directory, int rounds) {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(directory))
    if (ParseWalFileName(entry.path().filename().string(), 1 << 20) && entry.path().filename().string().size() == 24)
      paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  if (paths.empty()) return fprintf(stderr, "there are no segments in %s\n", directory.c_str()), 1;
  const auto cluster = IdentityOf(paths[0]);
  if (!cluster.ok()) return fprintf(stderr, "%s\n", cluster.status().ToString().c_str()), 1;
  std::vector<double> ratios;
  for (int round = 0; round <= rounds; round++) {
    const auto pushed = PushAll(paths, cluster.value());
    if (!pushed.ok()) return fprintf(stderr, "%s\n", pushed.status().ToString().c_str()), 1;
    if (round == 0) continue;  // warms up
    const Cost& cost = pushed.value();
    ratios.push_back(cost.map_seconds / cost.push_seconds);
    printf("%zu segments: %.2f s cpu for pushing, %.2f s for maps: %.2f; %.1f MB of WAL stored, %.2f MB in %llu maps\n",
           paths.size(), cost.push_seconds, cost.map_seconds, ratios.back(), static_cast<double>(cost.wal_bytes) / 1e6,
           static_cast<double>(cost.map_bytes) / 1e6, static_cast<unsigned long long>(cost.maps));
  }
  std::sort(ratios.begin(), ratios.end());
  printf("median: a map takes %.2f of the processor time of a push\n", ratios[ratios.size() / 2]);
  return 0;
}

}  // namespace
}  // namespace pitr

int main(int argc, char** argv) {
  if (argc < 2 || argc > 3) return fprintf(stderr, "usage: push_bench WAL_DIRECTORY [ROUNDS]\n"), 2;
  return pitr::Bench(argv[1], argc > 2 ? atoi(argv[2]) : 5);
}
