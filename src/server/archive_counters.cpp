#include "server/archive_counters.h"

#include <cinttypes>

namespace pitr::server {
namespace {

constexpr char kCountersFormat[] = "pg_pitr archived 1\n%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRId64 " %s\n";

}  // namespace

void LoadCounters(ArchiverState& state) noexcept {
  if (state.archived_files != 0) return;
  std::FILE* file = std::fopen(kCountersFile, "re");
  if (file == nullptr) return;
  uint64_t files = 0, bytes = 0, stored = 0;
  int64_t last = 0;
  char name[kFileNameBytes] = "";
  static_assert(kFileNameBytes == 64);
  if (std::fscanf(file, "pg_pitr archived 1\n%" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNd64 " %63s", &files, &bytes,
                  &stored, &last, name) == 5) {
    state.archived_files = files;
    state.archived_bytes = bytes;
    state.stored_bytes = stored;
    state.last_micros = last;
    CopyText(state.last_file, name);
  }
  std::fclose(file);
}

void SaveCounters(const ArchiverState& state) noexcept {
  if (state.archived_files == 0) return;
  char temporary[sizeof kCountersFile + 8];
  std::snprintf(temporary, sizeof temporary, "%s.tmp", kCountersFile);
  std::FILE* file = std::fopen(temporary, "we");
  if (file == nullptr) return;
  const bool written = std::fprintf(file, kCountersFormat, state.archived_files, state.archived_bytes,
                                    state.stored_bytes, state.last_micros, state.last_file) > 0;
  if (std::fclose(file) == 0 && written) (void)rename(temporary, kCountersFile);
}

}  // namespace pitr::server
