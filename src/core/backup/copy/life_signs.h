// Shows that a backup is still being taken, to expiries on other hosts, which take one for dead that has stored nothing
// for a day: a slow one may have nothing to store for that long (it waits for a checkpoint or for WAL, or reads what
// has not changed). A life sign is a hold (repo/backups/restore_hold.h) on the backup itself, renewed by creating
// another one, so it needs a store neither to overwrite nor to forget.
#pragma once
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/base/thread.h"
#include "core/repo/repository.h"

namespace pitr {

// Three in the shortest pg_pitr.expire_leftover_age that can be set, an hour; by default a day passes before anybody
// believes in a death.
inline constexpr int64_t kLifeSignMillis = int64_t{1200} * 1000;

class LifeSigns {
 public:
  // Starts a thread that gives a sign every `interval_millis`, first after one. What the store does not take is a
  // warning, once, and tried again.
  static Result<std::unique_ptr<LifeSigns>> Start(const Repository& repository, std::string label, std::string by,
                                                  int64_t interval_millis);

  // Gives no more, and removes what was given. Errors are the store's; what stays ends by itself.
  Status End(const OpContext& ctx);

 private:
  LifeSigns(const Repository& repository, std::string label, std::string by, int64_t interval_millis)
      : repository_(repository), label_(std::move(label)), by_(std::move(by)), interval_millis_(interval_millis) {}
  Status Give(const CancelToken& cancel);

  const Repository& repository_;
  const std::string label_;
  const std::string by_;
  const int64_t interval_millis_;
  std::mutex mutex_;
  std::vector<uint32_t> slots_;  // protected by mutex_
  std::unique_ptr<Job> job_;     // last: its thread uses the others
};

}  // namespace pitr
