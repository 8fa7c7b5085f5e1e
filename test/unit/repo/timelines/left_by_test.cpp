// Starts no thread.
#include "core/repo/timelines/left_by.h"

#include "core/repo/layout.h"
#include "core/repo/timelines/timeline_aside.h"
#include "lib/repository_fixture.h"
#include "lib/test_clock.h"

namespace pitr {
namespace {

class LeftByTest : public test::RepositoryTest {
 protected:
  LeftByTest() : repository_(MustOpenOrCreate(config_)) {}
  void Put(const std::string& name, std::string_view content = "x") {
    ASSERT_TRUE(repository_->CreateObject(ObjectKind::kWal, layout::WalKey(name), AsBytes(content), ctx_).ok());
  }
  std::string Said(uint32_t own) {
    auto found = FindSuccessors(*repository_, Timeline{own}, ctx_);
    EXPECT_TRUE(found.ok()) << test::TextOf(found);
    const SuccessorDoubt& doubt = found.value();
    EXPECT_EQ(doubt.timelines.empty(), doubt.message.empty());
    return doubt.timelines.empty() ? "" : doubt.message + " " + doubt.detail + " " + doubt.hint;
  }
  std::unique_ptr<Repository> repository_;
};

TEST_F(LeftByTest, AServerIsToldOfTimelinesThatLeftItsOwn) {
  Put("000000010000000000000003");
  EXPECT_EQ(Said(1), "");
  Put("00000002.history", "1\t0/600100\tno recovery target specified\n");
  Put("000000020000000000000006");
  EXPECT_NE(Said(1).find("is this the old primary of a failover? Timeline 2 left timeline 1 at 0/600100"),
            std::string::npos)
      << Said(1);
  EXPECT_EQ(Said(2), "") << "the one that left";
  Put("00000003.history", "1\t0/500100\tbefore\n");
  EXPECT_EQ(Said(2), "") << "a second recovery from the first timeline is none of its business";
  EXPECT_NE(Said(1).find("Timeline 3 left timeline 1 at 0/500100"), std::string::npos) << Said(1);
  EXPECT_NE(Said(1).find("set-aside 1. If a test copy"), std::string::npos) << Said(1);
  EXPECT_NE(Said(1).find("set-aside 2, pg_pitr timeline set-aside 3"), std::string::npos) << Said(1);
  EXPECT_EQ(Said(3), "");
  for (uint32_t timeline : {2, 3})
    ASSERT_TRUE(
        SetTimelineAside(*repository_, Timeline{timeline}, {true, "", "somebody", 1779450000000000}, ctx_).ok());
  EXPECT_EQ(Said(1), "");
}

// A promoted standby that could not reach the archive, of which a disk was pushed.
TEST_F(LeftByTest, ATimelineOfAnUnfinishedSegmentAloneLeftItsParent) {
  Put("000000010000000000000003");
  const std::string key = layout::PartialSegmentKey("000000020000000000000006", 0x1100);
  ASSERT_TRUE(repository_->CreateObject(ObjectKind::kPartialSegment, key, AsBytes("x"), ctx_).ok());
  EXPECT_EQ(Said(1), "") << "without its history nobody knows where it came from";
  Put("00000002.history", "1\t0/600100\tno recovery target specified\n");
  EXPECT_NE(Said(1).find("Timeline 2 left timeline 1 at 0/600100"), std::string::npos) << Said(1);
}

// Set aside by somebody who knows: the old primary that comes back is told.
TEST_F(LeftByTest, AServerIsToldThatItsTimelineWasSetAside) {
  Put("000000010000000000000003");
  const TimelineAside aside{true, "failover", "somebody", 1779450000000000};
  ASSERT_TRUE(SetTimelineAside(*repository_, Timeline{1}, aside, ctx_).ok());
  EXPECT_NE(Said(1).find("timeline 1, which this server writes, was set aside"), std::string::npos) << Said(1);
  EXPECT_NE(Said(1).find("If another server took its place, stop this one"), std::string::npos) << Said(1);
  Put("00000002.history", "1\t0/600100\tno recovery target specified\n");
  Put("000000020000000000000006");
  EXPECT_NE(Said(1).find("(failover) No plan, window or standby made elsewhere follows it"), std::string::npos);
  EXPECT_NE(Said(1).find("Timeline 2 left timeline 1 at 0/600100"), std::string::npos) << Said(1);
  EXPECT_NE(Said(1).find("old primary of a failover, stop it"), std::string::npos) << Said(1);
  EXPECT_NE(Said(1).find("take-back 1, and if a test copy wrote the other one, set that aside: pg_pitr timeline "
                         "set-aside 2"),
            std::string::npos)
      << Said(1);
  EXPECT_EQ(Said(2), "");
}

// A failover leaves the timeline of a server that goes on writing.
TEST_F(LeftByTest, AServerThatWritesLooksAgainEveryMinute) {
  test::TestClock clock;
  ctx_.clock = &clock;
  SuccessorWatch watch(Timeline{1});
  EXPECT_EQ(watch.Look(*repository_, ctx_), "");
  Put("00000002.history", "1\t0/600100\tno recovery target specified\n");
  clock.SleepMillis(59000);
  EXPECT_EQ(watch.Look(*repository_, ctx_), "") << "not yet";
  ASSERT_TRUE(watch.Take());
  EXPECT_FALSE(watch.Take()) << "once";
  clock.SleepMillis(1000);
  EXPECT_NE(watch.Look(*repository_, ctx_).find("Timeline 2 left timeline 1"), std::string::npos);
  Put("000000020000000000000006");
  clock.SleepMillis(60000);
  EXPECT_EQ(watch.Look(*repository_, ctx_), "") << "said once";
  EXPECT_EQ(watch.Take().value_or(SuccessorDoubt()).timelines, std::vector<Timeline>{Timeline{2}});
  // The store does not answer: what was seen still holds.
  faults().Inject({.op = test::StoreOp::kList, .status = {Code::kPermission, "AccessDenied"}, .times = 2});
  clock.SleepMillis(60000);
  EXPECT_NE(watch.Look(*repository_, ctx_).find("AccessDenied"), std::string::npos);
  clock.SleepMillis(60000);
  EXPECT_EQ(watch.Look(*repository_, ctx_), "") << "said once, too";
  EXPECT_FALSE(watch.Take());
  clock.SleepMillis(60000);
  ASSERT_TRUE(SetTimelineAside(*repository_, Timeline{2}, {true, "", "somebody", 1779450000000000}, ctx_).ok());
  EXPECT_EQ(watch.Look(*repository_, ctx_), "");
  EXPECT_TRUE(watch.Take().value_or(SuccessorDoubt{.timelines = {Timeline{2}}}).timelines.empty()) << "set aside";
  SuccessorWatch standby(Timeline{});
  EXPECT_EQ(standby.Look(*repository_, ctx_), "");
}

}  // namespace
}  // namespace pitr
