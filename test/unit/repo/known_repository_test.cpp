#include "core/repo/known_repository.h"

#include "lib/repository_fixture.h"

namespace pitr::test {
namespace {

class KnownRepositoryTest : public RepositoryTest {
 protected:
  KnownRepositoryTest() { std::filesystem::create_directory(dir_ + "/data"); }
  Result<std::unique_ptr<Repository>> OpenFor(const Config& config, const ClusterIdentity& cluster = kCluster) {
    return OpenClusterRepository(config, cluster, dir_ + "/data", NullLog(), {});
  }
  std::filesystem::path Root() const { return dir_ + "/repository"; }
};

TEST_F(KnownRepositoryTest, IsCreatedOnceAndFoundAgain) {
  auto first = OpenFor(config_);
  ASSERT_TRUE(first.ok()) << first.status().ToString();
  auto again = OpenFor(config_);
  ASSERT_TRUE(again.ok()) << again.status().ToString();
  EXPECT_EQ(again.value()->marker().repository_id, first.value()->marker().repository_id);
}

TEST_F(KnownRepositoryTest, AnEmptyMountPointIsNotMadeARepository) {
  ASSERT_TRUE(OpenFor(config_).ok());
  std::filesystem::remove_all(Root());
  std::filesystem::create_directory(Root());
  auto opened = OpenFor(config_);
  EXPECT_EQ(opened.code(), Code::kUnavailable);
  EXPECT_NE(opened.status().hint().find("mounted"), std::string::npos);
  EXPECT_TRUE(std::filesystem::is_empty(Root()));
  std::filesystem::remove_all(Root());
  EXPECT_EQ(OpenFor(config_).code(), Code::kUnavailable);
  EXPECT_FALSE(std::filesystem::exists(Root()));
}

TEST_F(KnownRepositoryTest, AnotherRepositoryInItsPlaceIsRefused) {
  ASSERT_TRUE(OpenFor(config_).ok());
  std::filesystem::remove_all(Root());
  ASSERT_TRUE(Repository::OpenOrCreate(config_, kCluster, NullLog(), {}).ok());
  EXPECT_EQ(OpenFor(config_).code(), Code::kConflict);
  std::filesystem::remove(dir_ + "/data/" + kKnownRepositoriesFile);
  EXPECT_TRUE(OpenFor(config_).ok());
}

TEST_F(KnownRepositoryTest, RemembersSeveral) {
  ASSERT_TRUE(OpenFor(config_).ok());
  Config other = config_;
  other.repository += "2";
  ASSERT_TRUE(OpenFor(other).ok());
  EXPECT_TRUE(OpenFor(config_).ok());
  std::filesystem::remove_all(dir_ + "/repository2");
  EXPECT_EQ(OpenFor(other).code(), Code::kUnavailable);
}

TEST_F(KnownRepositoryTest, ARefusedRepositoryIsNotRemembered) {
  ASSERT_TRUE(OpenFor(config_).ok());
  std::filesystem::remove(dir_ + "/data/" + kKnownRepositoriesFile);
  ClusterIdentity stranger = kCluster;
  stranger.system_id.value++;
  EXPECT_EQ(OpenFor(config_, stranger).code(), Code::kConflict);
  EXPECT_FALSE(std::filesystem::exists(dir_ + "/data/" + kKnownRepositoriesFile));
}

}  // namespace
}  // namespace pitr::test
