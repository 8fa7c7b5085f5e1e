// Waiting for work done in threads. The main thread sleeps on its latch and on the work's pipe, and lets the server
// interrupt it: Ctrl-C, statement_timeout, pg_terminate_backend, barriers (rule "always
// interruptible").
//
// A thread may sit in a system call that does not return: a directory on a mount that is dead. So every wait for its
// end has an end itself. What threads use is owned by them; a thread that does not end in time is left behind with it,
// and a process that ends with such a thread ends at once, past the destructors that the thread might need (rule
// "no endless wait").
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>

#include "core/base/thread.h"
#include "server/log_pg.h"

namespace pitr::server {

// How long threads that were cancelled may take: what talks to a network notices within 100 ms.
inline constexpr int64_t kStopMs = 2000;

// Makes sure that proc_exit() cancels what is registered below and waits for it. Call before the first thread starts.
// May throw PgError.
void JoinThreadsAtExit();

// Something with threads that must be stopped when the process ends without unwinding. Registered for its lifetime;
// main thread only; on the heap.
class StopAtExit {
 public:
  StopAtExit();
  virtual ~StopAtExit();  // of a subclass: joins, so call it only when Ended()
  StopAtExit(const StopAtExit&) = delete;
  StopAtExit& operator=(const StopAtExit&) = delete;
  // Asks the threads to end. Neither throws nor blocks nor calls PostgreSQL; may be called again.
  virtual void Cancel() noexcept = 0;
  // Whether each thread has done what it was asked to do, and only ends.
  virtual bool Ended() noexcept = 0;
  // When Ended(): waits until no thread is left. A library that the thread used cleans up as it ends, which must be
  // over before exit() cleans up the library. May be called again.
  virtual void Join() noexcept = 0;

 private:
  friend void CancelEverything() noexcept;
  friend bool EverythingEnded() noexcept;
  friend bool JoinEverything() noexcept;
  StopAtExit* previous_;
  StopAtExit* next_;
};

// Cancels it and waits, for kStopMs at the most, for its threads, absorbing barriers meanwhile. Then it is freed, or
// left behind: never freed before its threads have ended. Null is nothing.
void StopOrLeave(std::unique_ptr<StopAtExit> threads) noexcept;

// Waits until it has ended; false when it has not within `timeout_ms`, or when the postmaster is gone. Absorbs
// barriers, handles no other interrupt: for exit hooks and for what may not be interrupted.
bool AwaitEnd(StopAtExit& threads, int64_t timeout_ms) noexcept;

void CancelEverything() noexcept;

// Whether nothing registered runs any more, be it left behind or not.
bool EverythingEnded() noexcept;

// Joins everything registered, if everything has ended; false when something still runs.
bool JoinEverything() noexcept;

// Cancels everything registered, waits as StopOrLeave does, and joins. False when something still runs. For exit hooks.
bool StopEverything() noexcept;

// Whether threads of this process were left behind and still run.
bool ThreadsLeftBehind() noexcept;

// Takes part in the barriers that others wait for, without handling other interrupts.
void AbsorbBarriers() noexcept;

// Waits until the latch is set, `fd` is readable or `timeout_ms` has passed, then handles interrupts. True when `fd` is
// readable. May throw PgError; FATAL does not return. `latch_set` is told whether the latch woke us.
bool WaitInterruptibly(int fd, int timeout_ms, bool* latch_set = nullptr);

// What the main thread does every `every_ms` while it waits; a status that is not ok cancels the work and is returned.
struct WaitTick {
  std::function<Status()> act;
  int every_ms = 1000;
};

// Runs `body`, which must own all that it uses, on a thread of its own and waits as above, emitting `log` meanwhile (in
// the main thread). An interrupt cancels the body, through its context, stops or leaves it, and travels on.
// kUnavailable when too many threads of this process were left behind already.
Status RunThread(const std::shared_ptr<QueuedLog>& log, std::function<Status(const OpContext&)> body,
                 const WaitTick& tick = {});

// The same for a body `T or Status of (In&, Log&, const OpContext&)`. `in` is what it works on: it moves to the thread,
// which may outlive the caller, so it holds values, or pointers to what is never freed. The body captures nothing.
template <class T, class In, class Fn>
Result<T> ComputeInterruptibly(const std::shared_ptr<QueuedLog>& log, In in, Fn body, const WaitTick& tick = {}) {
  static_assert(std::is_empty_v<Fn>, "the thread may outlive the caller: hand over what it needs, capture nothing");
  struct Owned {
    In in;
    std::optional<T> value;
  };
  auto owned = std::make_shared<Owned>(Owned{std::move(in), std::nullopt});
  PITR_TRY(RunThread(
      log,
      [log, owned, body](const OpContext& ctx) -> Status {
        PITR_ASSIGN(owned->value, body(owned->in, *log, ctx));
        return Status::Ok();
      },
      tick));
  return std::move(*owned->value);
}

template <class In, class Fn>
Status RunInterruptibly(const std::shared_ptr<QueuedLog>& log, In in, Fn body, const WaitTick& tick = {}) {
  static_assert(std::is_empty_v<Fn>, "the thread may outlive the caller: hand over what it needs, capture nothing");
  auto owned = std::make_shared<In>(std::move(in));
  return RunThread(
      log, [log, owned, body](const OpContext& ctx) -> Status { return body(*owned, *log, ctx); }, tick);
}

struct Nothing {};  // for a body that needs nothing

// A StopAtExit of one thread.
class RunningJob final : public StopAtExit {
 public:
  explicit RunningJob(std::unique_ptr<Job> job) : job_(std::move(job)) {}
  void Cancel() noexcept override { job_->Cancel(); }
  bool Ended() noexcept override { return job_->done(); }
  void Join() noexcept override { (void)job_->Join(); }
  Job& job() { return *job_; }

 private:
  std::unique_ptr<Job> job_;
};

}  // namespace pitr::server
