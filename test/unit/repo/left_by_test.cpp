#include "core/repo/left_by.h"

#include "core/repo/layout.h"
#include "core/repo/timeline_aside.h"
#include "lib/repository_fixture.h"

namespace pitr {
namespace {

class LeftByTest : public test::RepositoryTest {
 protected:
  LeftByTest() : repository_(MustOpenOrCreate(config_)) {}
  void Put(const std::string& name, std::string_view content = "x") {
    ASSERT_TRUE(repository_->CreateObject(ObjectKind::kWal, layout::WalKey(name), AsBytes(content), ctx_).ok());
  }
  std::string Said(uint32_t own) {
    auto said = DescribeSuccessors(*repository_, Timeline{own}, ctx_);
    EXPECT_TRUE(said.ok()) << test::TextOf(said);
    return said.value();
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
  EXPECT_EQ(Said(3), "");
  for (uint32_t timeline : {2, 3})
    ASSERT_TRUE(
        SetTimelineAside(*repository_, Timeline{timeline}, {true, "", "somebody", 1779450000000000}, ctx_).ok());
  EXPECT_EQ(Said(1), "");
}

}  // namespace
}  // namespace pitr
