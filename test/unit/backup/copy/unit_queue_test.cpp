#include "core/backup/copy/unit_queue.h"

#include <gtest/gtest.h>

#include <mutex>
#include <set>
#include <thread>

namespace pitr {
namespace {

WorkPlan PlanOf(size_t units) {
  WorkPlan plan;
  for (size_t i = 0; i < units; i++) plan.units.push_back({.first = i, .to = 100});
  return plan;
}

TEST(UnitQueueTest, UnitsAreTakenInTheirOrderBatchAfterBatch) {
  UnitQueue queue;
  EXPECT_TRUE(queue.empty());
  for (size_t batch = 1; batch <= 2; batch++) {
    queue.Begin(PlanOf(batch + 1), false, 1);
    EXPECT_FALSE(queue.empty());
    for (size_t i = 0; i <= batch; i++) {
      const WorkUnit* unit = queue.Take();
      ASSERT_NE(unit, nullptr);
      EXPECT_EQ(unit->first, i);
    }
    EXPECT_EQ(queue.Take(), nullptr);
    EXPECT_EQ(queue.Take(), nullptr);
  }
}

TEST(UnitQueueTest, TheFilesOfAUnit) {
  WorkPlan plan;
  plan.order = {7, 3, 9};
  plan.units = {{.first = 1, .count = 2}};
  UnitQueue queue;
  queue.Begin(plan, true, 1);
  const auto files = queue.FilesOf(*queue.Take());
  EXPECT_EQ(std::vector<uint32_t>(files.begin(), files.end()), (std::vector<uint32_t>{3, 9}));
}

TEST(UnitQueueTest, OneJobIsTheLastOfTheLastBatch) {
  UnitQueue queue;
  for (const bool last : {false, true}) {
    queue.Begin(PlanOf(0), last, 3);
    EXPECT_EQ(queue.last(), last);
    EXPECT_FALSE(queue.Leave());
    EXPECT_FALSE(queue.Leave());
    EXPECT_EQ(queue.Leave(), last);
  }
  queue.Begin(PlanOf(0), true, 2);
  EXPECT_FALSE(queue.Leave()) << "the other one has failed";
}

TEST(UnitQueueTest, SeveralThreadsTakeEachUnitOnce) {
  constexpr size_t kUnits = 1000;
  UnitQueue queue;
  queue.Begin(PlanOf(kUnits), true, 4);
  std::mutex mutex;
  std::multiset<size_t> taken;
  int last = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; i++)
    threads.emplace_back([&] {
      while (const WorkUnit* unit = queue.Take()) {
        std::lock_guard lock(mutex);
        taken.insert(unit->first);
      }
      const bool is_last = queue.Leave();
      std::lock_guard lock(mutex);
      last += is_last ? 1 : 0;
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(taken.size(), kUnits);
  EXPECT_EQ(std::set<size_t>(taken.begin(), taken.end()).size(), kUnits);
  EXPECT_EQ(last, 1);
}

}  // namespace
}  // namespace pitr
