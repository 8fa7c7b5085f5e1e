#include "core/backup/copy/copy_threads.h"

#include <condition_variable>
#include <mutex>

namespace pitr {
namespace {

constexpr auto kPoll = std::chrono::milliseconds(100);

// What the waiting thread and the jobs tell each other.
class Finish {
 public:
  explicit Finish(int jobs) : left_(jobs) {}

  // The first failure counts and stops the other jobs, whose own failures follow from it.
  void Report(Status status, CancelToken& stop) {
    std::lock_guard lock(mutex_);
    if (!status.ok()) {
      if (failure_.ok()) failure_ = std::move(status);
      stop.Cancel();
    }
    left_--;
    changed_.notify_all();
  }

  Status Wait(CancelToken& stop, const OpContext& ctx) {
    std::unique_lock lock(mutex_);
    Status asked;
    while (left_ > 0) {
      changed_.wait_for(lock, kPoll);
      if (asked.ok() && !(asked = ctx.Check()).ok()) stop.Cancel();
    }
    return asked.ok() ? failure_ : asked;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int left_;  // protected by mutex_, as all here
  Status failure_;
};

// Joins what it started, on every way out, and stops it unless it has ended.
class Threads {
 public:
  explicit Threads(CancelToken& stop) : stop_(stop) {}
  ~Threads() {
    if (!ended_) stop_.Cancel();
    for (std::thread& thread : threads_) thread.join();
  }
  Status Start(std::function<void()> body) {
    PITR_ASSIGN(std::thread thread, StartThread(std::move(body)));
    threads_.push_back(std::move(thread));
    return Status::Ok();
  }
  void Ended() { ended_ = true; }

 private:
  CancelToken& stop_;
  std::vector<std::thread> threads_;
  bool ended_ = false;
};

}  // namespace

Status RunJobs(const std::vector<std::unique_ptr<CopyJob>>& jobs, const std::function<Status(CopyJob&)>& body,
               CancelToken& stop, const OpContext& ctx) {
  Finish finish(static_cast<int>(jobs.size()));
  Threads threads(stop);
  for (const auto& job : jobs) {
    Status started = threads.Start(
        [&finish, &stop, &body, job = job.get()] { finish.Report(Guarded([&] { return body(*job); }), stop); });
    // The jobs that were not started have nothing to report but this.
    if (!started.ok()) finish.Report(std::move(started), stop);
  }
  Status ended = finish.Wait(stop, ctx);
  threads.Ended();
  return ended;
}

}  // namespace pitr
