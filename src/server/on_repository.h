// The repository that the settings lead to, for a function called from SQL: opened and used in a thread.
#pragma once
#include <optional>

#include "core/repo/opening/open_repository.h"
#include "core/repo/repository.h"
#include "core/restore/copy_guard.h"
#include "server/guc.h"
#include "server/ready_files.h"
#include "server/server_state.h"
#include "server/wait.h"

namespace pitr::server {

// Opens the repository and runs `body`, a `Result<T> of (const Repository&, In&, const OpContext&)`, on it, both in a
// thread; hands over and waits as ComputeInterruptibly does. With `cluster` the repository must be its. Main thread.
template <class T, class In, class Fn>
Result<T> OnRepository(In in, Fn, std::optional<ClusterIdentity> cluster = std::nullopt) {
  static_assert(std::is_empty_v<Fn>, "as in ComputeInterruptibly");
  struct Request {
    Config config;
    std::optional<ClusterIdentity> cluster;
    In in;
  };
  return ComputeInterruptibly<T>(std::make_shared<QueuedLog>(),
                                 Request{CurrentConfig(), std::move(cluster), std::move(in)},
                                 [](Request& request, Log& log, const OpContext& ctx) -> Result<T> {
                                   PITR_ASSIGN(const auto repository, OpenRepository(request.config, log, ctx));
                                   if (request.cluster) PITR_TRY(repository->CheckCluster(*request.cluster));
                                   return Fn()(*repository, request.in, ctx);
                                 });
}

// OnRepository, which must be this cluster's.
template <class T, class In, class Fn>
Result<T> OnOwnRepository(In in, Fn body) {
  return OnRepository<T>(std::move(in), body, ServerIdentity());
}

// The same for what changes the repository, which a copy of the cluster does not.
template <class T, class In, class Fn>
Result<T> ChangeOwnRepository(In in, Fn) {
  static_assert(std::is_empty_v<Fn>, "as in ComputeInterruptibly");
  return OnOwnRepository<T>(std::move(in),
                            [](const Repository& repository, In& given, const OpContext& ctx) -> Result<T> {
                              PITR_TRY(CheckMayChange(repository, kDataDirectory, ctx));
                              return Fn()(repository, given, ctx);
                            });
}

}  // namespace pitr::server
