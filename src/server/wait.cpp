// The only place where C++ waits and handles interrupts.
#include "server/wait.h"

#include <poll.h>

#include <vector>

#include "server/pg.h"

extern "C" {
#include "storage/ipc.h"
#include "storage/pmsignal.h"
#include "storage/procsignal.h"
}

namespace pitr::server {
namespace {

constexpr int kPollThreadsMs = 5;
// Each stands for a request that the store has never answered.
constexpr size_t kMostLeftBehind = 8;

// Plain pointers, so that no destructor runs at exit.
StopAtExit* newest = nullptr;
bool hook_registered = false;
int exit_code = 0;

// Never destroyed: threads use what is in it.
std::vector<std::unique_ptr<StopAtExit>>& LeftBehind() {
  static auto* left = new std::vector<std::unique_ptr<StopAtExit>>;
  return *left;
}

// Frees what has ended after all.
void FreeEnded() {
  std::erase_if(LeftBehind(), [](const std::unique_ptr<StopAtExit>& each) { return each->Ended(); });
}

// True when `ended` is, within `timeout_ms`; at once false when the postmaster is gone.
template <class Fn>
bool AwaitThreads(int64_t timeout_ms, Fn ended) noexcept {
  const Clock& clock = SystemClock();
  const int64_t end = clock.SteadyMillis() + timeout_ms;
  while (!ended()) {
    if (clock.SteadyMillis() >= end || !PostmasterIsAlive()) return false;
    AbsorbBarriers();
    (void)poll(nullptr, 0, kPollThreadsMs);
  }
  return true;
}

// The last thing before exit() runs destructors and the clean-up of libraries that a thread may be using: a crash then
// would make the postmaster restart every process.
void LeaveNow() { _exit(exit_code); }

void StopHook(int, Datum) { StopEverything(); }

void ExitHook(int code, Datum) {
  if (JoinEverything()) return;
  exit_code = code;
  (void)atexit(LeaveNow);
}

}  // namespace

void CancelEverything() noexcept {
  for (StopAtExit* each = newest; each != nullptr; each = each->previous_) each->Cancel();
}

bool EverythingEnded() noexcept {
  for (StopAtExit* each = newest; each != nullptr; each = each->previous_)
    if (!each->Ended()) return false;
  return true;
}

bool JoinEverything() noexcept {
  if (!EverythingEnded()) return false;
  for (StopAtExit* each = newest; each != nullptr; each = each->previous_) each->Join();
  return true;
}

bool StopEverything() noexcept {
  CancelEverything();
  // Those that were left behind have had their time.
  return AwaitThreads(ThreadsLeftBehind() ? 0 : kStopMs, EverythingEnded) && JoinEverything();
}

bool AwaitEnd(StopAtExit& threads, int64_t timeout_ms) noexcept {
  return AwaitThreads(timeout_ms, [&threads] { return threads.Ended(); });
}

void StopOrLeave(std::unique_ptr<StopAtExit> threads) noexcept {
  if (threads == nullptr) return;
  threads->Cancel();
  if (AwaitEnd(*threads, kStopMs)) return;
  StopAtExit* left = threads.release();
  try {
    LeftBehind().emplace_back(left);
  } catch (const std::bad_alloc&) { (void)left; /* it is registered, and that is what counts */ }
}

bool ThreadsLeftBehind() noexcept {
  FreeEnded();
  return !LeftBehind().empty();
}

void AbsorbBarriers() noexcept {
  if (!ProcSignalBarrierPending) return;
  // What could not be absorbed is pending again.
  try {
    PgCall([] { ProcessProcSignalBarrier(); });
  } catch (const PgError&) {}
}

void JoinThreadsAtExit() {
  if (hook_registered) return;
  PgCall([] {
    on_proc_exit(ExitHook, (Datum)0);
    before_shmem_exit(StopHook, (Datum)0);
  });
  hook_registered = true;
}

StopAtExit::StopAtExit() : previous_(newest), next_(nullptr) {
  if (newest != nullptr) newest->next_ = this;
  newest = this;
}

StopAtExit::~StopAtExit() {
  if (next_ != nullptr) next_->previous_ = previous_;
  if (previous_ != nullptr) previous_->next_ = next_;
  if (newest == this) newest = previous_;
}

bool WaitInterruptibly(int fd, int timeout_ms, bool* latch_set) {
  const int events = PgCall([fd, timeout_ms] {
    int wanted = WL_LATCH_SET | WL_EXIT_ON_PM_DEATH;
    if (fd >= 0) wanted |= WL_SOCKET_READABLE;
    if (timeout_ms >= 0) wanted |= WL_TIMEOUT;
    int got = WaitLatchOrSocket(MyLatch, wanted, fd < 0 ? PGINVALID_SOCKET : fd, timeout_ms, PitrWaitEvent());
    if (got & WL_LATCH_SET) ResetLatch(MyLatch);
    CHECK_FOR_INTERRUPTS();
    return got;
  });
  if (latch_set != nullptr) *latch_set = (events & WL_LATCH_SET) != 0;
  return (events & WL_SOCKET_READABLE) != 0;
}

Status RunThread(const std::shared_ptr<QueuedLog>& log, std::function<Status(const OpContext&)> body,
                 const WaitTick& tick) {
  JoinThreadsAtExit();
  FreeEnded();
  if (LeftBehind().size() >= kMostLeftBehind)
    return Status(Code::kUnavailable, "the repository does not answer: " + std::to_string(kMostLeftBehind) +
                                          " requests of this session still wait for it")
        .WithHint("Check the file system that the repository is on; end this session once it answers again.");
  PITR_ASSIGN(auto started, Job::Start([body = std::move(body)](const CancelToken& cancel) {
                OpContext ctx;
                ctx.cancel = &cancel;
                return body(ctx);
              }));
  auto running = std::make_unique<RunningJob>(std::move(started));
  try {
    for (;;) {
      const bool done = WaitInterruptibly(running->job().ready_fd(), tick.every_ms);
      log->Emit();
      if (done) return running->job().Join();
      if (!tick.act) continue;
      if (Status status = tick.act(); !status.ok()) {
        StopOrLeave(std::move(running));
        return status;
      }
    }
  } catch (...) {
    StopOrLeave(std::move(running));
    throw;
  }
}

}  // namespace pitr::server
