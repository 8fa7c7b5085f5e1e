// A directory repository whose requests are counted, and lines of a table of what things cost on it.
#pragma once
#include <sys/mman.h>

#include <atomic>
#include <cinttypes>
#include <memory>
#include <string>

#include "bench/measure.h"
#include "core/repo/opening/open_repository.h"
#include "core/store/directory.h"
#include "core/verify/verify.h"
#include "lib/faulty_store.h"
#include "unit/backup/data_tree.h"

namespace pitr {

// Of a child process, for the one that prints.
inline std::atomic<uint64_t>& Requests() {
  static void* const shared =
      mmap(nullptr, sizeof(std::atomic<uint64_t>), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return *static_cast<std::atomic<uint64_t>*>(shared);
}

// One line: what `body` took, in a process of its own.
inline bool Line(const std::string& size, const char* what, const std::function<Status()>& body) {
  Requests() = 0;
  const Measured m = MeasureQuietly(what, body);
  printf("| %s | %s | %.2f | %.2f | %" PRIu64 " | %.0f |%s\n", size.c_str(), what, m.seconds, m.cpu_seconds,
         Requests().load(), m.peak_mib, m.ok ? "" : " FAILED");
  fflush(stdout);
  return m.ok;
}

// A repository in a directory whose requests are counted. Everything it needs lives as long as it does.
struct CountedRepository {
  std::unique_ptr<ObjectStore> store;
  std::unique_ptr<Repository> repository;
  OpContext ctx;
  test::LateClock clock;

  Status Open(const std::string& directory, const ClusterIdentity& cluster) {
    ctx.clock = &clock;
    PITR_ASSIGN(store, DirectoryStore::Open(directory, /*create=*/true));
    auto counting = std::make_unique<test::FaultyStore>(*store);
    counting->OnCall([](test::StoreOp, const std::string&) { Requests()++; });
    PITR_ASSIGN(repository, OpenOrCreateRepositoryOn(std::move(counting), Config(), cluster, NullLog(), ctx));
    Requests() = 0;
    return Status::Ok();
  }
};

// A line for what `body` does on the repository of a cluster, opening it not counted among the requests.
inline bool LineOn(const std::string& directory, const ClusterIdentity& cluster, const std::string& size,
                   const char* what, const std::function<Status(CountedRepository&)>& body) {
  return Line(size, what, [&]() -> Status {
    CountedRepository opened;
    PITR_TRY(opened.Open(directory, cluster));
    return body(opened);
  });
}

inline Status VerifyQuickly(CountedRepository& r) {
  VerifyOptions options;
  options.request.mode = VerifyMode::kQuick;
  FindingList findings;
  Progress progress;
  return VerifyRepository(*r.repository, options, findings, progress, r.ctx).status();
}

}  // namespace pitr
