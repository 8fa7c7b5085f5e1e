// Waiting for work done in threads. The main thread sleeps on its latch and on the work's pipe, and lets the server
// interrupt it: Ctrl-C, statement_timeout, pg_terminate_backend, barriers (R10). However the process ends, its threads
// are cancelled and joined first (R11).
#pragma once
#include <functional>
#include <optional>

#include "core/base/thread.h"
#include "server/log_pg.h"

namespace pitr::server {

// Makes sure that proc_exit() cancels and joins what is registered below. Call before the first thread starts. May
// throw PgError.
void JoinThreadsAtExit();

// Something with threads that must be stopped when the process ends without unwinding. Stop() must not throw, makes no
// PostgreSQL call, and returns within seconds. Registered for its lifetime; main thread only.
class StopAtExit {
 public:
  StopAtExit();
  virtual ~StopAtExit();
  StopAtExit(const StopAtExit&) = delete;
  StopAtExit& operator=(const StopAtExit&) = delete;
  virtual void Stop() noexcept = 0;

 private:
  friend void StopEverything() noexcept;
  StopAtExit* previous_;
  StopAtExit* next_;
};

// Cancels and joins everything registered. For exit hooks.
void StopEverything() noexcept;

// Waits until the latch is set, `fd` is readable or `timeout_ms` has passed, then handles interrupts. True when `fd` is
// readable. May throw PgError; FATAL does not return. `latch_set` is told whether the latch woke us.
bool WaitInterruptibly(int fd, int timeout_ms, bool* latch_set = nullptr);

// What the main thread does every `every_ms` while it waits; a status that is not ok cancels the work and is returned.
struct WaitTick {
  std::function<Status()> act;
  int every_ms = 1000;
};

// Runs `body` on a thread of its own and waits as above, emitting `log` meanwhile (in the main thread). An interrupt
// cancels the body, through its context, and joins it before it travels on.
Status RunInterruptibly(QueuedLog& log, const std::function<Status(const OpContext&)>& body, const WaitTick& tick = {});

// The same for a body that makes a value.
template <class T>
Result<T> ComputeInterruptibly(QueuedLog& log, const std::function<Result<T>(const OpContext&)>& body) {
  std::optional<T> value;
  PITR_TRY(RunInterruptibly(log, [&](const OpContext& ctx) -> Status {
    PITR_ASSIGN(value, body(ctx));
    return Status::Ok();
  }));
  return std::move(*value);
}

}  // namespace pitr::server
