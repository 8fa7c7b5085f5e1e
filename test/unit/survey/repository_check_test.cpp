// What is checked before there is a repository.
#include <algorithm>

#include "core/repo/layout.h"
#include "core/repo/opening/open_repository.h"
#include "core/report/check_report.h"
#include "core/survey/repository_check.h"
#include "lib/loopback_s3.h"
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

// The promise of docs/providers.md: whatever the store, it is tried before the first use.
TEST_F(RepositoryCheckTest, AStoreWithoutARepositoryIsTried) {
  LoopbackS3 server("bucket");
  server.Interfere([](const SeenRequest& seen) -> std::optional<LoopbackS3::Interference> {
    const bool condition = seen.method == "PUT" && !seen.Header("if-none-match").empty();
    if (!condition && seen.target.find("lifecycle") == std::string::npos) return std::nullopt;
    return LoopbackS3::Interference{.answer = {.status = 501, .reply = S3ErrorXml("NotImplemented")}};
  });
  config_.repository = "s3://bucket/orders";
  config_.s3_endpoint = server.url();
  config_.s3_credentials_file = Write("key", "access_key_id = A\nsecret_access_key = s\n");
  const std::vector<CheckRow> rows = CheckRepository(config_, {}, NullLog(), ctx_);
  const auto state = [&](const std::string& item) {
    const auto found = std::find_if(rows.begin(), rows.end(), [&](const CheckRow& row) { return row.item == item; });
    EXPECT_NE(found, rows.end()) << item << "\n" << CheckText(rows);
    return found == rows.end() ? CheckState::kFailed : found->state;
  };
  EXPECT_EQ(state("repository"), CheckState::kAbsent);
  EXPECT_EQ(state("store: create, never replace"), CheckState::kOk) << "it looks first";
  EXPECT_EQ(state("store: racing creators"), CheckState::kWarning);
  EXPECT_EQ(state("store: lifecycle rules"), CheckState::kOk);
  EXPECT_EQ(state("store: delete"), CheckState::kOk);
}

}  // namespace
}  // namespace pitr::test
