#include "core/base/parallel_for.h"

#include <algorithm>
#include <atomic>
#include <cassert>
#include <mutex>

#include "core/base/thread.h"

namespace pitr {

Status ParallelFor(int jobs, size_t count, const OpContext& ctx, const std::function<Status(size_t, int)>& each) {
  std::atomic<size_t> next{0};
  std::atomic<bool> stop{false};
  std::mutex mutex;
  Status first;  // protected by mutex
  auto work = [&](int worker) {
    for (;;) {
      const size_t index = next.fetch_add(1, std::memory_order_relaxed);
      if (index >= count || stop.load(std::memory_order_acquire)) return;
      Status status = ctx.Check();
      if (status.ok()) status = Guarded([&] { return each(index, worker); });
      if (status.ok()) continue;
      std::lock_guard lock(mutex);
      if (first.ok()) first = std::move(status);
      stop.store(true, std::memory_order_release);
    }
  };
  const int threads = static_cast<int>(std::min<size_t>(std::max(jobs, 1), count));
  std::vector<std::thread> helpers;
  for (int worker = 1; worker < threads; ++worker) {
    auto thread = StartThread([&work, worker] { work(worker); });
    if (!thread.ok()) break;  // fewer threads do the same work
    helpers.push_back(std::move(thread).value());
  }
  if (count > 0) work(0);
  for (std::thread& helper : helpers) helper.join();
  std::lock_guard lock(mutex);
  assert(!first.ok() || next >= count);
  return first;
}

}  // namespace pitr
