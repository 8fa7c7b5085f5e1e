#include "core/pg/history.h"

#include <gtest/gtest.h>

namespace pitr {
namespace {

constexpr uint32_t kMiB16 = 16u << 20;

constexpr const char* kThree =
    "1\t0/3000158\tno recovery target specified\n"
    "\n"
    "# a comment\n"
    "  2\t1/40000A0\tbefore 2026-11-23 10:00:00+00\n";

TimelineHistory Three() { return Result<TimelineHistory>(TimelineHistory::Parse({3}, kThree)).value(); }

TEST(History, Parse) {
  const TimelineHistory history = Three();
  ASSERT_EQ(history.entries().size(), 3u);
  EXPECT_EQ(history.timeline(), (Timeline{3}));
  EXPECT_EQ(history.entries()[0].timeline, (Timeline{1}));
  EXPECT_FALSE(history.entries()[0].begin.valid());
  EXPECT_EQ(history.entries()[0].end, (Lsn{0x3000158}));
  EXPECT_EQ(history.entries()[0].reason, "no recovery target specified");
  EXPECT_EQ(history.entries()[1].begin, (Lsn{0x3000158}));
  EXPECT_EQ(history.entries()[1].reason, "before 2026-11-23 10:00:00+00");
  EXPECT_FALSE(history.entries()[2].end.valid());
}

TEST(History, TimelineContaining) {
  const TimelineHistory history = Three();
  EXPECT_EQ(history.TimelineContaining({0x3000157}), (Timeline{1}));
  EXPECT_EQ(history.TimelineContaining({0x3000158}), (Timeline{2}));
  EXPECT_EQ(history.TimelineContaining({0x1040000A0}), (Timeline{3}));
  EXPECT_EQ(history.SwitchPoint({2}), (Lsn{0x1040000A0}));
  EXPECT_EQ(history.SwitchPoint({3}), std::nullopt);
  EXPECT_EQ(history.SwitchPoint({9}), std::nullopt);
}

TEST(History, ReachedFrom) {
  const TimelineHistory history = Three();
  EXPECT_TRUE(history.ReachedFrom({1}, {0x3000158}));   // ends exactly where timeline 2 starts
  EXPECT_FALSE(history.ReachedFrom({1}, {0x3000160}));  // already on the abandoned part of 1
  EXPECT_FALSE(history.ReachedFrom({2}, {0x3000158}));
  EXPECT_TRUE(history.ReachedFrom({2}, {0x3000160}));
  EXPECT_TRUE(history.ReachedFrom({3}, {0x200000000}));
  EXPECT_FALSE(history.ReachedFrom({4}, {0x200000000}));
  EXPECT_FALSE(history.ReachedFrom({1}, {0}));
}

// As PostgreSQL writes it when a recovery along timeline 2 stops before timeline 2 began.
TEST(History, ATimelineThatWasPassedOverHasNoPart) {
  auto parsed = TimelineHistory::Parse({3}, "1\t0/5000000\tx\n2\t0/4000000\ty\n");
  ASSERT_TRUE(parsed.ok()) << parsed.status().ToString();
  const TimelineHistory& history = parsed.value();
  ASSERT_EQ(history.entries().size(), 2u);
  EXPECT_EQ(history.entries()[0].end, (Lsn{0x4000000}));
  EXPECT_EQ(history.TimelineContaining({0x3FFFFFF}), (Timeline{1}));
  EXPECT_EQ(history.TimelineContaining({0x4800000}), (Timeline{3}));
  EXPECT_FALSE(history.Includes({2}));
}

TEST(History, TimelineOfSegment) {
  const TimelineHistory history = Three();
  EXPECT_EQ(history.TimelineOfSegment({2}, kMiB16), (Timeline{1}));
  EXPECT_EQ(history.TimelineOfSegment({3}, kMiB16), (Timeline{2}));  // the file of 2 repeats the start of 1
  EXPECT_EQ(history.TimelineOfSegment({0x104}, kMiB16), (Timeline{3}));
}

TEST(History, SkippedTimelinesAndRoot) {
  auto parsed = TimelineHistory::Parse({7}, "2\t0/5000000\tx");
  ASSERT_TRUE(parsed.ok());
  EXPECT_TRUE(parsed.value().Includes({2}));
  EXPECT_FALSE(parsed.value().Includes({3}));
  const TimelineHistory root = TimelineHistory::Root({1});
  EXPECT_EQ(root.TimelineContaining({1}), (Timeline{1}));
  EXPECT_TRUE(root.ReachedFrom({1}, {0x1000000}));
  EXPECT_EQ(root.TimelineOfSegment({0}, kMiB16), (Timeline{1}));
}

TEST(History, Refused) {
  for (const char* text : {"x\t0/1\n", "1\n", "1\t0/1000000000\n", "0\t0/1\n", "1 0\n", "-1\t0/1\n", "1\t0/5\n1\t0/6\n",
                           "2\t0/5\n1\t0/6\n", "3\t0/5\n", "4\t0/5\n", "99999999999\t0/5\n"})
    EXPECT_EQ(TimelineHistory::Parse({3}, text).code(), Code::kCorruption) << text;
  EXPECT_EQ(TimelineHistory::Parse({0}, "").code(), Code::kInvalidArgument);
  EXPECT_EQ(TimelineHistory::Parse({3}, std::string(kMaxHistoryFileSize + 1, '\n')).code(), Code::kCorruption);
}

TEST(History, EmptyFileHasNoAncestors) {
  auto parsed = TimelineHistory::Parse({5}, "");
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed.value().entries().size(), 1u);
}

}  // namespace
}  // namespace pitr
