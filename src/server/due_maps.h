// The change maps that the archiver owes: of segments that it has stored. They are made while no push is under way, so
// that WAL that waits is stored first, and beside the pushes, by one thread, when many are due: a server that writes
// without a pause would never get any. An increment reads for itself what has no map yet.
#pragma once
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>

#include "core/base/log.h"
#include "core/repo/repository.h"

namespace pitr::server {

// Any thread.
class DueMaps {
 public:
  // More are not remembered; the oldest are left to the increments. What is due dies with the archiver, too.
  static constexpr size_t kMost = 4096;
  // More do not wait for a pause.
  static constexpr size_t kMany = 16;
  // For a store that answers slowly; nobody waits, but the thread could serve a push.
  static constexpr int64_t kPatienceMs = 10000;

  explicit DueMaps(Log& log);
  void Add(const std::string& segment);
  bool ManyAreDue();
  // Makes the oldest that is due, unless another thread is at it. Failing is logged, once a minute at most; it is not
  // tried again. False when there is nothing to do.
  bool MakeOne(const Repository& repository, OpContext ctx);

 private:
  std::optional<std::string> Take();
  void Show() const;  // in shared memory, how many there are; with mutex_ held
  void Report(const std::string& segment, const Status& status);

  Log& log_;
  std::mutex mutex_;
  std::deque<std::string> due_;  // protected by mutex_
  bool making_ = false;          // protected by mutex_
  int64_t reported_millis_ = 0;  // when a failure was last logged; 0: never. Only by the thread that is making
  uint64_t failed_ = 0;          // since then. Only by the thread that is making
};

}  // namespace pitr::server
