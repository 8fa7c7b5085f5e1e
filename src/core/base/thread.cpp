#include "core/base/thread.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cassert>
#include <exception>
#include <new>
#include <system_error>

#include "core/base/started_threads.h"

namespace pitr {
namespace {

// A new thread inherits the mask of the one that creates it.
class BlockAllSignals {
 public:
  BlockAllSignals() noexcept {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &saved_);
  }
  ~BlockAllSignals() { pthread_sigmask(SIG_SETMASK, &saved_, nullptr); }
  BlockAllSignals(const BlockAllSignals&) = delete;
  BlockAllSignals& operator=(const BlockAllSignals&) = delete;

 private:
  sigset_t saved_{};
};

std::atomic<uint64_t> threads_started{0};

}  // namespace

uint64_t StartedThreads() noexcept { return threads_started; }

Result<std::thread> StartThread(std::function<void()> body) {
  BlockAllSignals blocked;
  try {
    std::thread thread(std::move(body));
    threads_started++;
    return thread;
  } catch (const std::system_error& e) {
    return Status(Code::kUnavailable, std::string("could not start a thread: ") + e.what());
  }
}

Status Guarded(const std::function<Status()>& body) noexcept {
  try {
    return body();
  } catch (const std::bad_alloc&) { return {Code::kInternal, "out of memory"}; } catch (const std::exception& e) {
    return {Code::kInternal, e.what()};
  } catch (...) { return {Code::kInternal, "unknown C++ exception"}; }
}

Result<std::unique_ptr<Job>> Job::Start(Body body) {
  std::unique_ptr<Job> job(new Job);
  if (pipe2(job->pipe_, O_CLOEXEC | O_NONBLOCK) != 0) return Status(Code::kUnavailable, "could not create a pipe");
  Job* self = job.get();
  auto thread = StartThread([self, body = std::move(body)] {
    self->result_ = Guarded([&] { return body(self->cancel_); });
    self->done_.store(true, std::memory_order_release);
    const char byte = 1;
    // The pipe is empty until this one byte, so the write cannot block or fall short.
    [[maybe_unused]] ssize_t written = write(self->pipe_[1], &byte, 1);
  });
  if (!thread.ok()) return std::move(thread).status();
  job->thread_ = std::move(thread).value();
  return job;
}

Status Job::Join() {
  assert(thread_.get_id() != std::this_thread::get_id());
  if (thread_.joinable()) thread_.join();
  return result_;
}

Job::~Job() {
  Cancel();
  if (thread_.joinable()) thread_.join();
  for (int fd : pipe_)
    if (fd >= 0) close(fd);
}

Result<std::unique_ptr<ThreadPool>> ThreadPool::Start(int threads) {
  std::unique_ptr<ThreadPool> pool(new ThreadPool);
  pool->threads_.reserve(threads);
  for (int i = 0; i < threads; i++) {
    pool->running_.fetch_add(1);
    auto thread = StartThread([p = pool.get()] {
      p->Work();
      [[maybe_unused]] const int running = p->running_.fetch_sub(1, std::memory_order_release);
      assert(running > 0);
    });
    if (!thread.ok()) {
      pool->running_.fetch_sub(1);
      return std::move(thread).status();
    }
    pool->threads_.push_back(std::move(thread).value());
  }
  return pool;
}

void ThreadPool::Submit(std::function<void()> task) {
  assert(task != nullptr && !threads_.empty());
  {
    std::lock_guard lock(mutex_);
    assert(!shut_ || tasks_.empty());
    if (shut_) return;
    tasks_.push_back(std::move(task));
  }
  ready_.notify_one();
}

void ThreadPool::Shut() noexcept {
  std::deque<std::function<void()>> forgotten;
  {
    std::lock_guard lock(mutex_);
    forgotten.swap(tasks_);
    stopping_ = shut_ = true;
  }
  ready_.notify_all();
}

void ThreadPool::Work() {
  for (;;) {
    std::function<void()> task;
    {
      std::unique_lock lock(mutex_);
      ready_.wait(lock, [this] { return stopping_ || !tasks_.empty(); });
      if (tasks_.empty()) return;
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    task();
  }
}

ThreadPool::~ThreadPool() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  ready_.notify_all();
  Join();
  assert(tasks_.empty() && running_ == 0);
}

void ThreadPool::Join() noexcept {
  for (std::thread& thread : threads_) {
    assert(thread.get_id() != std::this_thread::get_id());
    if (thread.joinable()) thread.join();
  }
}

}  // namespace pitr
