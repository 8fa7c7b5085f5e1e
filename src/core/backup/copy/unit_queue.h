// The units of the batch that is being copied, which jobs take one after another.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "core/backup/plan/work_plan.h"

namespace pitr {

// Any thread, but for Begin().
class UnitQueue {
 public:
  // The batch of which units are taken from now on, by so many jobs; while none of them runs. `last`: there is no other
  // after it.
  void Begin(WorkPlan plan, bool last, int jobs) {
    plan_ = std::move(plan);
    last_ = last;
    next_ = 0;
    reading_ = jobs;
  }
  bool last() const { return last_; }
  bool empty() const { return plan_.units.empty(); }

  // The next unit, valid until Begin(); null: none is left.
  const WorkUnit* Take() {
    const size_t next = next_.fetch_add(1);
    return next < plan_.units.size() ? &plan_.units[next] : nullptr;
  }
  // The small files of a unit of some.
  std::span<const uint32_t> FilesOf(const WorkUnit& unit) const {
    return std::span(plan_.order).subspan(unit.first, unit.count);
  }
  // A job has read its last unit of the batch. Result: whether all jobs have, and of the last batch. One that failed
  // does not say so.
  bool Leave() { return reading_.fetch_sub(1) == 1 && last_; }

 private:
  WorkPlan plan_;
  bool last_ = false;
  std::atomic<size_t> next_{0};
  std::atomic<int> reading_{0};
};

}  // namespace pitr
