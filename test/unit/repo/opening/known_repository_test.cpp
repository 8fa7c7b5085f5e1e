// Starts no thread.
#include "core/repo/opening/known_repository.h"

#include <fstream>
#include <sstream>

#include "core/repo/layout.h"
#include "core/repo/opening/archive_hold.h"
#include "core/repo/opening/open_repository.h"
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

// What is wrong with the passphrase says nothing of whether the repository is there.
TEST_F(KnownRepositoryTest, APassphraseThatDoesNotFitIsNoAbsence) {
  Config plain = config_, gone = config_, half = config_;
  config_ = Encrypted("alpha");
  plain.repository += "2";
  ASSERT_TRUE(OpenFor(config_).ok());
  gone.passphrase_file = dir_ + "/nowhere";
  half.passphrase_file = Write("two", "one\ntwo\n");
  for (const Config& config : {Encrypted("beta"), plain, gone, half}) {
    Config asked = config;
    asked.repository = config_.repository;
    const Status refused = OpenFor(asked).status();
    EXPECT_EQ(refused.code(), Code::kInvalidArgument) << refused.ToString();
    EXPECT_NE(refused.message().find("passphrase"), std::string::npos) << refused.ToString();
    EXPECT_FALSE(refused.hint().empty()) << refused.ToString();
    EXPECT_EQ(refused.ToString().find("is not there"), std::string::npos) << refused.ToString();
    EXPECT_EQ(refused.hint().find(kKnownRepositoriesFile), std::string::npos) << refused.ToString();
  }
  std::filesystem::remove(dir_ + "/data/" + kKnownRepositoriesFile);
  ASSERT_TRUE(OpenFor(plain).ok());
  Config needless = Encrypted("alpha");
  needless.repository = plain.repository;
  EXPECT_NE(OpenFor(needless).status().message().find("is not encrypted"), std::string::npos);
}

TEST_F(KnownRepositoryTest, NothingIsMadeWhereThePassphraseCannotBeRead) {
  config_.passphrase_file = dir_ + "/nowhere";
  EXPECT_EQ(OpenFor(config_).code(), Code::kInvalidArgument);
  EXPECT_FALSE(std::filesystem::exists(Root()));
}

TEST_F(KnownRepositoryTest, AnotherRepositoryInItsPlaceIsRefused) {
  ASSERT_TRUE(OpenFor(config_).ok());
  std::filesystem::remove_all(Root());
  ASSERT_TRUE(OpenOrCreateRepository(config_, kCluster, NullLog(), {}).ok());
  EXPECT_EQ(OpenFor(config_).code(), Code::kConflict);
  std::filesystem::remove(dir_ + "/data/" + kKnownRepositoriesFile);
  EXPECT_TRUE(OpenFor(config_).ok());
}

TEST_F(KnownRepositoryTest, AnotherRepositoryIsHeldUntilItIsAccepted) {
  ASSERT_TRUE(OpenFor(config_).ok());
  Config other = config_;
  other.repository += "2";
  for (const bool exists : {false, true}) {
    if (exists) std::filesystem::create_directory(dir_ + "/repository2");
    const Status held = OpenFor(other).status();
    EXPECT_TRUE(IsArchivingHeld(held)) << held.ToString();
    EXPECT_TRUE(IsArchivingHeld(CheckKnownRepository(other.repository, dir_ + "/data")));
    for (const std::string& url : {config_.repository, other.repository})
      EXPECT_NE(held.message().find(url), std::string::npos) << held.ToString();
    EXPECT_NE(held.hint().find("pitr_accept_repository('" + other.repository + "')"), std::string::npos);
    EXPECT_EQ(std::filesystem::exists(dir_ + "/repository2"), exists);
    EXPECT_TRUE(!exists || std::filesystem::is_empty(dir_ + "/repository2"));
    EXPECT_TRUE(OpenFor(config_).ok()) << "the one in use goes on";
  }
  EXPECT_EQ(AcceptRepository(other.repository, dir_ + "/data").value(), config_.repository);
  EXPECT_TRUE(OpenFor(config_).ok()) << "until the other one is set";
  EXPECT_TRUE(OpenFor(other).ok());
}

TEST_F(KnownRepositoryTest, TheAcceptedOneIsInUseAndGoingBackIsHeld) {
  ASSERT_TRUE(OpenFor(config_).ok());
  Config other = config_;
  other.repository += "2";
  ASSERT_TRUE(AcceptRepository(other.repository, dir_ + "/data").ok());
  ASSERT_TRUE(OpenFor(other).ok());
  EXPECT_TRUE(OpenFor(other).ok());
  EXPECT_TRUE(IsArchivingHeld(OpenFor(config_).status()));
  std::filesystem::remove_all(dir_ + "/repository2");
  EXPECT_EQ(OpenFor(other).code(), Code::kUnavailable);
  EXPECT_FALSE(IsArchivingHeld(OpenFor(other).status()));
}

// Somebody moved it, or the former primary archived there: it has what pg_wal shows as archived.
TEST_F(KnownRepositoryTest, AMovedRepositoryGoesOnWithoutBeingAccepted) {
  auto first = OpenFor(config_);
  ASSERT_TRUE(first.ok());
  const std::string name = "000000010000000000000003";
  ASSERT_TRUE(first.value()->CreateObject(ObjectKind::kWal, layout::WalKey(name), AsBytes("x"), {}).ok());
  std::filesystem::rename(Root(), dir_ + "/moved");
  Config moved = config_;
  moved.repository = "file://" + dir_ + "/moved";
  const std::string status = dir_ + "/data/pg_wal/archive_status";
  std::filesystem::create_directories(status);
  std::ofstream(status + "/000000010000000000000004.done").close();
  EXPECT_TRUE(IsArchivingHeld(OpenFor(moved).status())) << "a copy from before";
  std::ofstream(status + "/" + name + ".done").close();
  EXPECT_TRUE(OpenFor(moved).ok());
  EXPECT_TRUE(OpenFor(moved).ok());
  std::filesystem::copy(dir_ + "/moved", Root(), std::filesystem::copy_options::recursive);
  EXPECT_TRUE(IsArchivingHeld(OpenFor(config_).status())) << "of the one from before that is no evidence";
}

TEST_F(KnownRepositoryTest, ARestoredServerMayArchiveElsewhereOnce) {
  ASSERT_TRUE(OpenFor(config_).ok());
  const std::string file = dir_ + "/data/" + kKnownRepositoriesFile;
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  std::ofstream(file) << RestoredKnownRepositories(text.str());
  Config other = config_;
  other.repository += "2";
  EXPECT_TRUE(CheckKnownRepository(other.repository, dir_ + "/data").ok());
  ASSERT_TRUE(OpenFor(other).ok());
  EXPECT_TRUE(IsArchivingHeld(OpenFor(config_).status()));
  std::ofstream(file) << RestoredKnownRepositories(text.str());
  ASSERT_TRUE(OpenFor(config_).ok());
  EXPECT_TRUE(IsArchivingHeld(OpenFor(other).status())) << "it has archived where the other one did";
  EXPECT_EQ(RestoredKnownRepositories(""), "");
}

TEST_F(KnownRepositoryTest, NothingIsMadeBelowADirectoryThatDoesNotExist) {
  Config config = config_;
  config.repository += "/no/such/place";
  const Status refused = OpenFor(config).status();
  EXPECT_EQ(refused.code(), Code::kInvalidArgument);
  EXPECT_NE(refused.message().find("/no/such\" does not exist"), std::string::npos) << refused.ToString();
  EXPECT_FALSE(std::filesystem::exists(Root()));
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
