// Threads that are safe inside a PostgreSQL process: every signal is blocked in them, and what they
// run may not touch a PostgreSQL symbol (docs/architecture.md: rule "silent threads").
#pragma once
#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "core/base/op_context.h"
#include "core/base/status.h"

namespace pitr {

// Starts a thread that inherits a mask with all signals blocked. kUnavailable when the system refuses.
// `body` must not throw; wrap what may with Guarded().
Result<std::thread> StartThread(std::function<void()> body);

// Runs `body` and turns an exception into kInternal ("out of memory", what()).
Status Guarded(const std::function<Status()>& body) noexcept;

// One function on one thread. The owner may poll ready_fd() (readable once the function has returned).
// Owned and used by one thread; Cancel() may be called from any.
class Job {
 public:
  using Body = std::function<Status(const CancelToken& cancel)>;
  // kUnavailable when no thread or pipe can be had.
  static Result<std::unique_ptr<Job>> Start(Body body);
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;
  ~Job();  // cancels and joins: blocks until body returns

  int ready_fd() const { return pipe_[0]; }
  bool done() const { return done_.load(std::memory_order_acquire); }
  void Cancel() noexcept { cancel_.Cancel(); }
  // Waits for the body and returns its status. May be called again.
  Status Join();

 private:
  Job() = default;
  int pipe_[2] = {-1, -1};
  CancelToken cancel_;
  std::atomic<bool> done_{false};
  Status result_;
  std::thread thread_;
};

// A fixed number of threads taking tasks in the order they were given. Submit() may be called from
// any thread. The destructor runs what is queued, then joins; cancel the tasks' own token for speed.
class ThreadPool {
 public:
  static Result<std::unique_ptr<ThreadPool>> Start(int threads);
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;
  ~ThreadPool();
  // `task` must not throw.
  void Submit(std::function<void()> task);
  int size() const { return static_cast<int>(threads_.size()); }
  // Forgets what is queued: the threads end with the tasks they are at. What is submitted later is not run.
  void Shut() noexcept;
  // Whether every thread has done its last task, so that Join() and the destructor hardly block. Any thread.
  bool ended() const noexcept { return running_.load(std::memory_order_acquire) == 0; }
  // After Shut(): waits for the tasks under way and until no thread is left. May be called again.
  void Join() noexcept;

 private:
  ThreadPool() = default;
  void Work();
  std::atomic<int> running_{0};
  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<std::function<void()>> tasks_;  // protected by mutex_
  bool stopping_ = false;                    // protected by mutex_
  bool shut_ = false;                        // protected by mutex_
  std::vector<std::thread> threads_;         // constant after Start()
};

}  // namespace pitr
