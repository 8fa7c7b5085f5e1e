// Starts no thread.
#include "core/restore/frame_fetch.h"

#include <gtest/gtest.h>

namespace pitr {
namespace {

// Files of one extent each, one frame each unless said otherwise.
FileMap MapOf(const std::vector<MappedFrame>& frames) {
  FileMap map;
  map.frames = frames;
  for (uint32_t i = 0; i < frames.size(); ++i) {
    MappedFile file;
    file.path = "f" + std::to_string(i);
    file.extents.push_back({0, 10, i, 0, 0});
    map.files.push_back(file);
  }
  return map;
}

TEST(FrameFetchTest, NeighboursAreReadTogether) {
  const FileMap map = MapOf({{0, {64, 100, 10}}, {0, {164, 100, 10}}, {0, {1000, 100, 10}}, {1, {64, 100, 10}}});
  const auto ranges = PlanFetches(map, {{0, 0}, {1, 0}, {2, 0}, {3, 0}}, /*range_bytes=*/10000, /*gap_bytes=*/500);
  ASSERT_EQ(ranges.size(), 3U);
  EXPECT_EQ(ranges[0].begin, 64U);
  EXPECT_EQ(ranges[0].end, 264U);
  EXPECT_EQ(ranges[0].count, 2U);
  EXPECT_EQ(ranges[1].begin, 1000U) << "the gap is too large";
  EXPECT_EQ(ranges[2].pack, 1U);
}

TEST(FrameFetchTest, ASmallGapIsReadOver) {
  const FileMap map = MapOf({{0, {64, 100, 10}}, {0, {600, 100, 10}}});
  const auto ranges = PlanFetches(map, {{0, 0}, {1, 0}}, 10000, 500);
  ASSERT_EQ(ranges.size(), 1U);
  EXPECT_EQ(ranges[0].end, 700U);
}

TEST(FrameFetchTest, ARangeHasALimitButHoldsAtLeastOneFrame) {
  const FileMap map = MapOf({{0, {64, 5000, 10}}, {0, {5064, 5000, 10}}});
  const auto ranges = PlanFetches(map, {{0, 0}, {1, 0}}, 1000, 500);
  ASSERT_EQ(ranges.size(), 2U);
  EXPECT_EQ(ranges[0].end - ranges[0].begin, 5000U);
}

TEST(FrameFetchTest, ExtentsOfOneFrameStayTogether) {
  FileMap map = MapOf({{0, {64, 5000, 30}}});
  MappedFile more = map.files[0];
  more.path = "second";
  more.extents[0].frame_offset = 10;
  map.files.push_back(more);
  const auto ranges = PlanFetches(map, {{0, 0}, {1, 0}}, 1000, 0);
  ASSERT_EQ(ranges.size(), 1U) << "a frame is read once, even when it is larger than a range should be";
  EXPECT_EQ(ranges[0].count, 2U);
}

TEST(FrameFetchTest, NothingNeededNothingRead) { EXPECT_TRUE(PlanFetches(MapOf({{0, {64, 100, 10}}}), {}).empty()); }

}  // namespace
}  // namespace pitr
