// The timelines of the archive that left the one a server writes: somebody recovered or was promoted from it, and it is
// asked whether this server should still run.
#pragma once
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/repo/repository.h"

namespace pitr {

// A warning for the server that writes a timeline, in the parts that ereport() takes.
struct SuccessorDoubt {
  // Those that left it and were not set aside, ascending; before them the server's own, when that was. Empty: there is
  // no doubt.
  std::vector<Timeline> timelines;
  std::string message, detail, hint;
};

// For the server that writes `own`. Takes two requests when the archive has no newer timeline and nothing was set
// aside. Errors are those of the store.
Result<SuccessorDoubt> FindSuccessors(const Repository& repository, Timeline own, const OpContext& ctx);

// Asks that of a server that goes on writing: a failover leaves its timeline while it does. At most once a minute, and
// for five seconds. Safe from several threads.
class SuccessorWatch {
 public:
  explicit SuccessorWatch(Timeline own) : own_(own) {}  // invalid: there is nothing to ask
  // Looks, when it is time. The text for the log when there is something that was not said yet, else "": other
  // timelines than before, or why nothing could be found out.
  std::string Look(const Repository& repository, const OpContext& ctx);
  // What the last look that succeeded has found, once.
  std::optional<SuccessorDoubt> Take();

 private:
  const Timeline own_;
  std::mutex mutex_;
  std::optional<int64_t> next_millis_;  // steady; protected by mutex_, as what follows
  std::vector<Timeline> said_;
  std::optional<SuccessorDoubt> found_;
  std::string failed_;
};

}  // namespace pitr
