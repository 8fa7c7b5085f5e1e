// What speaks against setting a timeline aside.
// Starts no thread.
#include "core/restore/timeline_use.h"

#include "core/repo/layout.h"
#include "core/repo/timelines/timeline_aside.h"
#include "lib/repository_fixture.h"
#include "lib/test_clock.h"

namespace pitr {
namespace {

class TimelineUseTest : public test::RepositoryTest {
 protected:
  TimelineUseTest() {
    ctx_.clock = &clock_;
    repository_ = MustOpenOrCreate(config_);
  }
  void Archive(const std::string& name) {
    clock_.Advance(1000);
    ASSERT_TRUE(repository_->CreateObject(ObjectKind::kWal, layout::WalKey(name), AsBytes("x"), ctx_).ok());
  }
  Status Check(uint32_t timeline) { return CheckTimelineNotInUse(*repository_, Timeline{timeline}, ctx_); }

  test::TestClock clock_;
  std::unique_ptr<Repository> repository_;
};

TEST_F(TimelineUseTest, TheOneThatWasArchivedLastSeemsToLive) {
  Archive("000000010000000000000003");
  Archive("000000020000000000000004");
  Archive("000000010000000000000005");
  EXPECT_TRUE(Check(2).ok());
  EXPECT_TRUE(Check(9).ok()) << "is said by whoever sets it aside";
  clock_.Advance(40000);
  const Status lives = Check(1);
  EXPECT_EQ(lives.code(), Code::kConflict);
  EXPECT_NE(lives.ToString().find("timeline 1 was archived more recently than any other"), std::string::npos)
      << lives.ToString();
  EXPECT_NE(lives.ToString().find("40 s ago"), std::string::npos) << lives.ToString();
  EXPECT_NE(lives.ToString().find("--force"), std::string::npos) << lives.ToString();
  ASSERT_TRUE(SetTimelineAside(*repository_, Timeline{1}, {true, "", "somebody", clock_.WallMicros()}, ctx_).ok());
  EXPECT_TRUE(Check(1).ok()) << "it is already";
  EXPECT_FALSE(Check(2).ok()) << "of those that are left";
  clock_.Advance(300000);
  EXPECT_TRUE(Check(2).ok()) << "long ago";
}

}  // namespace
}  // namespace pitr
