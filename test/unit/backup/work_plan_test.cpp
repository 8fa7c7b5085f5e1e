#include "core/backup/work_plan.h"

#include <gtest/gtest.h>

#include <map>

namespace pitr {
namespace {

// Every byte of every file is in exactly one unit.
void ExpectComplete(const std::vector<MappedFile>& files, const WorkPlan& plan) {
  std::map<size_t, std::map<uint64_t, uint64_t>> pieces;
  for (const WorkUnit& unit : plan.units) {
    if (unit.count == 0) {
      EXPECT_TRUE(pieces[unit.first].emplace(unit.from, unit.to).second);
      EXPECT_EQ(unit.whole, unit.from == 0 && unit.to == files[unit.first].size_bytes);
    }
    for (size_t i = 0; i < unit.count; i++) {
      const uint32_t file = plan.order.at(unit.first + i);
      EXPECT_TRUE(pieces[file].emplace(0, files[file].size_bytes).second);
    }
  }
  for (size_t i = 0; i < files.size(); i++) {
    uint64_t at = 0;
    for (const auto& [from, to] : pieces[i]) {
      EXPECT_EQ(from, at) << files[i].path;
      EXPECT_EQ(from % kMiB, 0U);
      at = to;
    }
    EXPECT_EQ(at, files[i].size_bytes) << files[i].path;
  }
}

TEST(WorkPlan, CoversEverythingOnce) {
  std::vector<MappedFile> files;
  for (uint64_t i = 0; i < 2000; i++)
    files.push_back({"base/5/" + std::to_string(10000 + i), i * 523 % (3 * kMiB), 0600, 0, {}});
  files.push_back({"base/5/20000", 1024 * kMiB, 0600, 0, {}});
  files.push_back({"base/5/20000.1", 1000 * kMiB + 8192, 0600, 0, {}});
  files.push_back({"big.log", 700 * kMiB, 0600, 0, {}});
  for (const int jobs : {1, 2, 4, 64}) ExpectComplete(files, PlanWork(files, jobs));
}

TEST(WorkPlan, CutsOnlyRelationsAndPutsLargeUnitsFirst) {
  const std::vector<MappedFile> files = {{"base/5/1", 8192, 0600, 0, {}},
                                         {"base/5/20000", 1024 * kMiB, 0600, 0, {}},
                                         {"big.log", 700 * kMiB, 0600, 0, {}}};
  const WorkPlan plan = PlanWork(files, 4);
  ASSERT_GT(plan.units.size(), 10U);
  EXPECT_EQ(plan.units[0].first, 2U);
  EXPECT_EQ(plan.units[0].to, 700 * kMiB);
  EXPECT_EQ(plan.units.back().count, 1U);
  for (const WorkUnit& unit : plan.units) {
    if (unit.first == 1 && unit.count == 0) {
      EXPECT_LE(unit.to - unit.from, kSliceBytes);
      EXPECT_FALSE(unit.whole);
    }
  }
}

TEST(WorkPlan, PutsFilesThatAreAlikeSideBySide) {
  const std::vector<MappedFile> files = {{"base/1/1259", 8192, 0600, 0, {}},
                                         {"base/1/2600", 8192, 0600, 0, {}},
                                         {"base/4/1259", 8192, 0600, 0, {}},
                                         {"base/4/2600", 8192, 0600, 0, {}},
                                         {"base/5/1259", 0, 0600, 0, {}}};
  EXPECT_EQ(PlanWork(files, 1).order, (std::vector<uint32_t>{0, 2, 1, 3}));
}

// Else a part of a restore would fetch what belongs to all others.
TEST(WorkPlan, PutsFilesThatAreFarFromEachOtherApart) {
  std::vector<MappedFile> files;
  for (uint32_t database = 100; database < 300; database++)
    for (uint32_t file = 1000; file < 1500; file++)
      files.push_back({"base/" + std::to_string(database) + "/" + std::to_string(file), 8192, 0600, 0, {}});
  const WorkPlan plan = PlanWork(files, 4);
  ASSERT_EQ(plan.order.size(), files.size());
  ExpectComplete(files, plan);
  for (size_t i = 0; i < files.size(); i++) ASSERT_EQ(plan.order[i] / kAlikeFiles, i / kAlikeFiles);
  EXPECT_EQ(files[plan.order[1]].path, "base/101/1000") << "by name among those";
}

TEST(WorkPlan, NothingToDo) { EXPECT_TRUE(PlanWork({}, 4).units.empty()); }

}  // namespace
}  // namespace pitr
