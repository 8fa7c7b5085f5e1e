// What the size of an archive and of a cluster costs: time, requests of the store and peak memory of what people do
// often, in a directory repository made for it.
//
//   scale_bench --segments N...    archives of N WAL segments (scale_archive.h)
//   scale_bench --files N...       data directories of N files of one page (scale_files.h)
//   scale_bench --gigabytes N...   clusters of N GiB in files of one GiB (scale_sizes.h)
//
// Files go where TMPDIR says.
#include <cstdlib>
#include <cstring>

#include "bench/counted_repository.h"
#include "bench/scale_archive.h"
#include "bench/scale_files.h"
#include "bench/scale_sizes.h"

namespace pitr {
namespace {

struct Table {
  const char* option;
  bool (*bench)(uint64_t size);
};
constexpr Table kTables[] = {{"--segments", BenchArchive}, {"--files", BenchFiles}, {"--gigabytes", BenchSizes}};

int Run(int argc, char** argv) {
  const Table* table = nullptr;
  for (const Table& each : kTables)
    if (argc > 2 && strcmp(argv[1], each.option) == 0) table = &each;
  if (table == nullptr) return fprintf(stderr, "usage: scale_bench --segments|--files|--gigabytes N...\n"), 2;
  Requests() = 0;
  printf("| %s | | s | s of processor | requests | MiB at the most |\n|---|---|---|---|---|---|\n", table->option + 2);
  bool ok = true;
  for (int i = 2; i < argc; i++) {
    const uint64_t size = strtoull(argv[i], nullptr, 10);
    ok &= size >= 10 && table->bench(size);
  }
  return ok ? 0 : 1;
}

}  // namespace
}  // namespace pitr

int main(int argc, char** argv) { return pitr::Run(argc, argv); }
