#include "server/due_maps.h"

#include <algorithm>
#include <atomic>

#include "core/base/thread.h"
#include "core/repo/archive/change_map_maker.h"
#include "server/ready_files.h"
#include "server/shmem.h"

namespace pitr::server {
namespace {
constexpr int64_t kRepeatMs = 60000;
}  // namespace

DueMaps::DueMaps(Log& log) : log_(log) { Show(); }

// Without the lock of shared memory, which only processes can take.
void DueMaps::Show() const {
  SharedState* shared = Shared();
  if (shared == nullptr) return;
  std::atomic_ref(shared->maps_due).store(static_cast<uint32_t>(due_.size() + (making_ ? 1 : 0)));
}

void DueMaps::Add(const std::string& segment) {
  std::lock_guard lock(mutex_);
  if (due_.size() == kMost) due_.pop_front();
  due_.push_back(segment);
  Show();
}

bool DueMaps::ManyAreDue() {
  std::lock_guard lock(mutex_);
  return due_.size() > kMany;
}

std::optional<std::string> DueMaps::Take() {
  std::lock_guard lock(mutex_);
  if (making_ || due_.empty()) return std::nullopt;
  making_ = true;
  std::string segment = std::move(due_.front());
  due_.pop_front();
  return segment;
}

bool DueMaps::MakeOne(const Repository& repository, OpContext ctx) {
  const std::optional<std::string> segment = Take();
  if (!segment) return false;
  ctx.deadline_millis = std::min(ctx.deadline_millis, ctx.clock->SteadyMillis() + kPatienceMs);
  const Status made =
      Guarded([&] { return MakeChangeMap(repository, *segment, std::string(kWalDirectory) + "/" + *segment, ctx); });
  if (!made.ok() && !ctx.cancelled()) Report(*segment, made);
  std::lock_guard lock(mutex_);
  making_ = false;
  Show();
  return true;
}

void DueMaps::Report(const std::string& segment, const Status& status) {
  failed_++;
  const int64_t now = SystemClock().SteadyMillis();
  if (reported_millis_ != 0 && now - reported_millis_ < kRepeatMs) return;
  log_.Info("no change map was stored of WAL file \"" + segment + "\": " + status.message() +
            " (the file itself is stored, and incremental backups read it instead; " + std::to_string(failed_) +
            " without a map since the last such message)");
  reported_millis_ = now;
  failed_ = 0;
}

}  // namespace pitr::server
