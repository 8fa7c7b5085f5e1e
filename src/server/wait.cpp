// The only place where C++ waits and handles interrupts.
#include "server/wait.h"

#include "server/pg.h"

extern "C" {
#include "storage/ipc.h"
}

namespace pitr::server {
namespace {

// Plain pointers, so that no destructor runs at exit.
StopAtExit* newest = nullptr;
bool hook_registered = false;

void StopHook(int, Datum);

class RunningJob final : public StopAtExit {
 public:
  explicit RunningJob(std::unique_ptr<Job> job) : job_(std::move(job)) {}
  void Stop() noexcept override { Finish(); }
  Job& job() { return *job_; }

 private:
  void Finish() noexcept {
    job_->Cancel();
    (void)job_->Join();
  }
  std::unique_ptr<Job> job_;
};

}  // namespace

void StopEverything() noexcept {
  for (StopAtExit* each = newest; each != nullptr; each = each->previous_) each->Stop();
}

namespace {
void StopHook(int, Datum) { StopEverything(); }
}  // namespace

void JoinThreadsAtExit() {
  if (hook_registered) return;
  PgCall([] { before_shmem_exit(StopHook, (Datum)0); });
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

Status RunInterruptibly(QueuedLog& log, const std::function<Status(const OpContext&)>& body, const WaitTick& tick) {
  JoinThreadsAtExit();
  PITR_ASSIGN(auto started, Job::Start([&body](const CancelToken& cancel) {
                OpContext ctx;
                ctx.cancel = &cancel;
                return body(ctx);
              }));
  RunningJob running(std::move(started));
  for (;;) {
    const bool done = WaitInterruptibly(running.job().ready_fd(), tick.every_ms);
    log.Emit();
    if (done) break;
    if (tick.act) PITR_TRY(tick.act());
  }
  return running.job().Join();
}

}  // namespace pitr::server
