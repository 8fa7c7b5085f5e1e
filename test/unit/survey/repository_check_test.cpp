// What is checked before there is a repository.
// Starts no thread.
#include <algorithm>

#include "core/repo/layout.h"
#include "core/repo/opening/open_repository.h"
#include "core/survey/repository_check.h"
#include "lib/repository_fixture.h"

namespace pitr::test {
namespace {

class RepositoryCheckTest : public RepositoryTest {
 protected:
  RepositoryCheckTest() { std::filesystem::create_directory(dir_ + "/repository"); }
  CheckRow Row(const std::string& item) {
    const std::vector<CheckRow> rows = CheckRepository(config_, {}, NullLog(), ctx_);
    const auto found = std::find_if(rows.begin(), rows.end(), [&](const CheckRow& row) { return row.item == item; });
    return found == rows.end() ? CheckRow{} : *found;
  }
};

TEST_F(RepositoryCheckTest, SaysWhetherANewRepositoryIsEncrypted) {
  EXPECT_EQ(Row("repository").state, CheckState::kAbsent);
  EXPECT_NE(Row("encryption").detail.find("is not encrypted"), std::string::npos) << Row("encryption").detail;
  config_ = Encrypted("alpha");
  EXPECT_EQ(Row("repository").state, CheckState::kAbsent);
  EXPECT_NE(Row("encryption").detail.find("is encrypted"), std::string::npos) << Row("encryption").detail;
}

TEST_F(RepositoryCheckTest, APassphraseFileThatAServerRefusesFails) {
  for (const auto& [text, mode, hint] :
       {std::tuple{"", 0600, "first line"}, {"one\ntwo\n", 0600, "nothing else"}, {"alpha\n", 0644, "chmod 0600"}}) {
    config_.passphrase_file = Write("passphrase", text, static_cast<mode_t>(mode));
    const CheckRow row = Row("settings");
    EXPECT_EQ(row.state, CheckState::kFailed) << hint;
    EXPECT_NE(row.hint.find(hint), std::string::npos) << row.hint;
    EXPECT_EQ(Row("repository").item, "") << "asked no further";
  }
}

// What holds data and has lost its marker is no new place, whatever the directory is called.
TEST_F(RepositoryCheckTest, ALostMarkerIsTold) {
  config_.repository += "/marker";
  auto made = OpenOrCreateRepository(config_, kCluster, NullLog(), ctx_);
  ASSERT_TRUE(made.ok()) << made.status().ToString();
  std::filesystem::remove(dir_ + "/repository/marker/" + std::string(layout::kMarkerKey));
  EXPECT_EQ(Row("repository").state, CheckState::kAbsent);
  const std::string segment = "000000010000000000000003";
  ASSERT_TRUE(made.value()->CreateObject(ObjectKind::kWal, layout::WalKey(segment), AsBytes("x"), {}).ok());
  EXPECT_EQ(Row("repository").state, CheckState::kFailed);
}

}  // namespace
}  // namespace pitr::test
