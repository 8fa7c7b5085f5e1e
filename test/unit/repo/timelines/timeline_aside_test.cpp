// Starts no thread.
#include "core/repo/timelines/timeline_aside.h"

#include "core/repo/layout.h"
#include "lib/repository_fixture.h"

namespace pitr {
namespace {

class TimelineAsideTest : public test::RepositoryTest {
 protected:
  TimelineAsideTest() : repository_(MustOpenOrCreate(config_)) {
    const std::string key = layout::WalKey("000000020000000000000003");
    EXPECT_TRUE(repository_->CreateObject(ObjectKind::kWal, key, AsBytes("x"), ctx_).ok());
  }
  std::map<Timeline, TimelineAside> Load() {
    auto asides = LoadTimelineAsides(*repository_, ctx_);
    EXPECT_TRUE(asides.ok()) << test::TextOf(asides);
    return asides.value();
  }
  Result<bool> Set(uint32_t timeline, bool aside, const std::string& reason = "") {
    return SetTimelineAside(*repository_, Timeline{timeline}, {aside, reason, "somebody", 1779450000000000}, ctx_);
  }
  std::unique_ptr<Repository> repository_;
};

TEST_F(TimelineAsideTest, WhatWasSaidLastCounts) {
  EXPECT_TRUE(Load().empty());
  EXPECT_EQ(Set(2, false).value(), false) << "it is no other than it was";
  EXPECT_EQ(Set(2, true, "test copy \xE9").value(), true);
  EXPECT_EQ(Set(2, true).value(), false);
  EXPECT_TRUE(Load().at(Timeline{2}).aside);
  EXPECT_EQ(DescribeAside(Load().at(Timeline{2})), "on 2026-05-22 11:40:00+00 by somebody (test copy \xE9)");
  EXPECT_EQ(Set(2, false).value(), true);
  EXPECT_FALSE(Load().at(Timeline{2}).aside);
  EXPECT_EQ(Set(2, true).value(), true);
  EXPECT_TRUE(Load().at(Timeline{2}).aside);
  EXPECT_TRUE(repository_->store().Stat("timeline/00000002/000003", ctx_).ok());
}

TEST_F(TimelineAsideTest, OneThatCannotBeReadIsPassedOver) {
  EXPECT_TRUE(Set(2, true).value());
  const std::string key = layout::TimelineAsideKey({Timeline{2}, 2});
  ASSERT_TRUE(repository_->CreateObject(ObjectKind::kTimelineAside, key, AsBytes("{}"), ctx_).ok());
  EXPECT_TRUE(Load().at(Timeline{2}).aside);
  EXPECT_TRUE(Set(2, false).value());
  EXPECT_FALSE(Load().at(Timeline{2}).aside);
}

TEST_F(TimelineAsideTest, OnlyWhatTheArchiveHas) {
  EXPECT_EQ(Set(3, true).code(), Code::kNotFound);
  EXPECT_EQ(Set(2, true, std::string(kMaxAsideReasonBytes + 1, 'x')).code(), Code::kInvalidArgument);
}

TEST_F(TimelineAsideTest, Keys) {
  EXPECT_EQ(layout::TimelineAsideKey({Timeline{26}, 7}), "timeline/0000001a/000007");
  const auto parts = layout::ParseTimelineAsideKey("timeline/0000001a/1000007");
  ASSERT_TRUE(parts.has_value());
  EXPECT_EQ(parts->timeline, Timeline{26});
  EXPECT_EQ(parts->number, 1000007U);
  for (const char* key :
       {"timeline/0000001a/7", "timeline/0000001A/000007", "timeline/0000001a/000000", "timeline/00000000/000001",
        "timeline/0000001a/0000x7", "timeline/0000001a", "wal/0000001a/000007"})
    EXPECT_FALSE(layout::ParseTimelineAsideKey(key).has_value()) << key;
}

}  // namespace
}  // namespace pitr
