// The repository that the settings lead to, for a function called from SQL: opened and used in a thread.
#pragma once
#include <functional>

#include "core/repo/repository.h"
#include "server/guc.h"
#include "server/server_state.h"
#include "server/wait.h"

namespace pitr::server {

// Opens the repository and runs `body` on it, both in a thread; waits as ComputeInterruptibly does. Main thread.
template <class T>
Result<T> OnRepository(const std::function<Result<T>(const Repository&, const OpContext&)>& body) {
  const Config config = CurrentConfig();
  QueuedLog log;
  return ComputeInterruptibly<T>(log, [&](const OpContext& ctx) -> Result<T> {
    PITR_ASSIGN(const auto repository, Repository::Open(config, log, ctx));
    return body(*repository, ctx);
  });
}

// OnRepository, which must be this cluster's.
template <class T>
Result<T> OnOwnRepository(const std::function<Result<T>(const Repository&, const OpContext&)>& body) {
  const ClusterIdentity cluster = ServerIdentity();
  return OnRepository<T>([&](const Repository& repository, const OpContext& ctx) -> Result<T> {
    PITR_TRY(repository.CheckCluster(cluster));
    return body(repository, ctx);
  });
}

}  // namespace pitr::server
