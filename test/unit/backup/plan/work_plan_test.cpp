// Starts no thread.
#include "core/backup/plan/work_plan.h"

#include <gtest/gtest.h>

#include <map>

namespace pitr {
namespace {

WorkPlan PlanAll(const std::vector<MappedFile>& files, int jobs) {
  return PlanWork(files, std::vector<FileRange>{{0, static_cast<uint32_t>(files.size())}}, jobs);
}

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
  for (const int jobs : {1, 2, 4, 64}) ExpectComplete(files, PlanAll(files, jobs));
}

TEST(WorkPlan, CutsOnlyRelationsAndPutsLargeUnitsFirst) {
  const std::vector<MappedFile> files = {{"base/5/1", 8192, 0600, 0, {}},
                                         {"base/5/20000", 1024 * kMiB, 0600, 0, {}},
                                         {"big.log", 700 * kMiB, 0600, 0, {}}};
  const WorkPlan plan = PlanAll(files, 4);
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
  EXPECT_EQ(PlanAll(files, 1).order, (std::vector<uint32_t>{0, 2, 1, 3}));
}

// Else a part of a restore would fetch what belongs to all others.
TEST(WorkPlan, PutsFilesThatAreFarFromEachOtherApart) {
  std::vector<MappedFile> files;
  for (uint32_t database = 100; database < 300; database++)
    for (uint32_t file = 1000; file < 1500; file++)
      files.push_back({"base/" + std::to_string(database) + "/" + std::to_string(file), 8192, 0600, 0, {}});
  const WorkPlan plan = PlanAll(files, 4);
  ASSERT_EQ(plan.order.size(), files.size());
  ExpectComplete(files, plan);
  for (size_t i = 0; i < files.size(); i++) ASSERT_EQ(plan.order[i] / kAlikeFiles, i / kAlikeFiles);
  EXPECT_EQ(files[plan.order[1]].path, "base/101/1000") << "by name among those";
}

TEST(WorkPlan, NothingToDo) { EXPECT_TRUE(PlanAll({}, 4).units.empty()); }

TEST(WorkPlan, HasTheFilesOfItsRangesOnly) {
  std::vector<MappedFile> files;
  for (uint64_t i = 0; i < 10; i++) files.push_back({"base/5/" + std::to_string(10000 + i), 8192, 0600, 0, {}});
  const std::vector<FileRange> ranges = {{1, 3}, {7, 8}};
  EXPECT_EQ(PlanWork(files, ranges, 4).order, (std::vector<uint32_t>{1, 2, 7}));
  EXPECT_EQ(PlanWork(files, ranges, 4, [](uint32_t i) { return i == 2; }).order, (std::vector<uint32_t>{1, 7}));
}

}  // namespace
}  // namespace pitr
