// Keeps what a restore needs from being expired: takes a hold (repo/backups/restore_hold.h), looks for marks of an
// expiry that has begun, and renews the hold while it lives. Owned by one thread; has one of its own.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "core/base/thread.h"
#include "core/restore/plan.h"

namespace pitr {

struct HoldOptions {
  int64_t lasts_micros = 0;  // at most kMaxHoldMicros; 0: no hold
  std::string by;            // "host orders-db, process 4711"
  bool unprotected = false;  // what an expiry seems to be deleting may be restored all the same
};

class HoldKeeper {
 public:
  // kConflict: the backup, or WAL that the plan needs after the backup's stop, is marked to be deleted (unless
  // unprotected) or was deleted after the plan had been made; then no hold is left. A repository that cannot be written
  // to is no error: a restore must not depend on that. It is a note.
  static Result<std::unique_ptr<HoldKeeper>> Take(const Repository& repository, const RestorePlan& plan,
                                                  const HoldOptions& options, const OpContext& ctx);
  // The same without a hold, and without writing anything; what the operator should know.
  static Result<std::vector<std::string>> Look(const Repository& repository, const RestorePlan& plan,
                                               const HoldOptions& options, const OpContext& ctx);
  HoldKeeper(const HoldKeeper&) = delete;
  HoldKeeper& operator=(const HoldKeeper&) = delete;
  ~HoldKeeper();  // ends the renewals; the hold stays until it ends by itself

  // Renews for the last time, so that the whole length is left for the replay. When the hold ends; 0 without one.
  int64_t Finish(const OpContext& ctx);
  // What the operator should know.
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  HoldKeeper(const Repository& repository, std::string label, const HoldOptions& options)
      : repository_(repository), label_(std::move(label)), options_(options) {}
  Status Create(const OpContext& ctx);
  Status CheckMarks(const RestorePlan& plan, const OpContext& ctx);
  Status CheckWalAfterStop(const RestorePlan& plan, const OpContext& ctx);
  Status RenewAlways(const OpContext& ctx);
  Status Renew(const OpContext& ctx);

  const Repository& repository_;
  const std::string label_;
  const HoldOptions options_;
  struct Held {
    uint32_t slot;
    int64_t end_millis;  // steady
  };
  std::vector<Held> holds_;  // ascending by end; of the thread while it runs
  std::vector<std::string> notes_;
  std::unique_ptr<Job> renewing_;
};

}  // namespace pitr
