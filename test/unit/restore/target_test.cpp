// Starts no thread.
#include "core/restore/target.h"

#include <gtest/gtest.h>

namespace pitr {
namespace {

TEST(TargetTest, NothingMeansLatest) {
  auto target = ParseTarget({});
  ASSERT_TRUE(target.ok());
  EXPECT_EQ(target.value().kind, TargetKind::kLatest);
  EXPECT_EQ(target.value().action, TargetAction::kPromote);
  EXPECT_FALSE(target.value().timeline.has_value());
}

TEST(TargetTest, EachKind) {
  auto time = ParseTarget({.time = "2026-05-22 14:29:00+02", .exclusive = true, .action = "pause"});
  ASSERT_TRUE(time.ok()) << time.status().ToString();
  EXPECT_EQ(time.value().time_micros, int64_t{1779452940} * 1000000);
  EXPECT_EQ(DescribeTarget(time.value()), "time 2026-05-22 12:29:00+00 (exclusive)");
  EXPECT_EQ(time.value().action, TargetAction::kPause);
  auto xid = ParseTarget({.xid = "4294968295"});  // epoch 1
  ASSERT_TRUE(xid.ok());
  EXPECT_EQ(xid.value().xid, 999U);
  EXPECT_EQ(xid.value().epoch, 1U);
  EXPECT_NE(DescribeTarget(xid.value()).find("4294968295"), std::string::npos);
  auto lsn = ParseTarget({.lsn = "16/B374D848", .timeline = "0x1F"});
  ASSERT_TRUE(lsn.ok());
  EXPECT_EQ(lsn.value().lsn, (Lsn{0x16B374D848}));
  EXPECT_EQ(lsn.value().timeline, Timeline{31});
  auto name = ParseTarget({.name = "before the party's over", .timeline = "current"});
  ASSERT_TRUE(name.ok());
  EXPECT_TRUE(name.value().timeline_current);
  EXPECT_EQ(ParseTarget({.immediate = true}).value().kind, TargetKind::kImmediate);
}

TEST(TargetTest, NonsenseIsRefused) {
  const TargetText wrong[] = {{.time = "last night"},
                              {.xid = "12x"},
                              {.xid = "-5"},
                              {.xid = "2"},
                              {.name = std::string(64, 'x')},
                              {.name = "a\nb"},
                              {.lsn = "16B374D848"},
                              {.lsn = "0/0"},
                              {.timeline = "0"},
                              {.timeline = "newest"},
                              {.timeline = "1 "},
                              {.time = "2026-05-22 14:29:00Z", .xid = "12345"},
                              {.immediate = true, .exclusive = true},
                              {.exclusive = true},
                              {.action = "pause"},
                              {.xid = "12", .action = "stop"},
                              {.xid = "99999999999999999999999"}};
  for (const TargetText& text : wrong) {
    auto target = ParseTarget(text);
    EXPECT_EQ(target.code(), Code::kInvalidArgument)
        << text.time << text.xid << text.name << text.lsn << text.timeline << text.action;
  }
}

}  // namespace
}  // namespace pitr
