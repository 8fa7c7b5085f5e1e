#include "cli/completion.h"

#include <gtest/gtest.h>

#include "cli/verbs.h"

namespace pitr::cli {
namespace {

class CompletionTest : public testing::Test {
 protected:
  CompletionTest() : app_("pg_pitr", "pg_pitr") {
    app_.require_subcommand(1);
    AddVerbs(app_, invocation_);
  }

  // The candidates, each followed by a space.
  std::string Offered(const std::vector<std::string>& words) {
    asked_.clear();
    const Completion completion = Complete(app_, words, [&](StoredName what, const std::string& config) {
      asked_ = (what == StoredName::kBackup ? "backups of " : "restore points of ") + config;
      return what == StoredName::kBackup ? std::vector<std::string>{"20260522-090014F", "20260523-090014I"}
                                         : std::vector<std::string>{"before deploy"};
    });
    paths_ = completion.paths;
    std::string all;
    for (const Candidate& candidate : completion.candidates) all += candidate.text + " ";
    return all;
  }

  CLI::App app_;
  Invocation invocation_;
  std::string asked_;
  Completion::Paths paths_ = Completion::Paths::kNone;
};

TEST_F(CompletionTest, VerbsAndActions) {
  EXPECT_EQ(Offered({"re"}), "restore recovery-end ");
  EXPECT_EQ(Offered({"help", "unp"}), "unpin ");
  EXPECT_EQ(Offered({"help", "plan", ""}), "");
  EXPECT_EQ(Offered({"timeline", ""}), "set-aside take-back ");
  EXPECT_EQ(Offered({"timeline", "set-aside", "--rea"}), "--reason ");
  EXPECT_EQ(Offered({"nonsense", "pl"}), "plan ") << "whatever was mistyped before";
  for (const CLI::App* verb : app_.get_subcommands([](const CLI::App*) { return true; }))
    EXPECT_NE(Offered({""}).find(verb->get_name() + " "), std::string::npos);
  EXPECT_EQ(Offered({}), "");
}

TEST_F(CompletionTest, OptionsAreThoseOfTheVerb) {
  EXPECT_EQ(Offered({"plan", "--target-l"}), "--target-lsn --target-latest ");
  EXPECT_EQ(Offered({"plan", "--mode"}), "") << "of restore";
  EXPECT_EQ(Offered({"restore", "--delta", "--del"}), "") << "once is enough";
  EXPECT_EQ(Offered({"restore", "--delta", "--no-p"}), "--no-progress ") << "a flag takes no value";
  EXPECT_EQ(Offered({"restore", "--tablespace", "1=/a", "--tablesp"}), "--tablespace ");
  EXPECT_EQ(Offered({"restore", "--", "--del"}), "");
}

TEST_F(CompletionTest, ValuesComeFromTheTables) {
  EXPECT_EQ(Offered({"restore", "--mode", ""}), "recover standby none ");
  EXPECT_EQ(Offered({"restore", "--mode=st"}), "--mode=standby ") << "as one word";
  EXPECT_EQ(Offered({"restore", "--mode", "=", "st"}), "standby ") << "as bash splits it";
  EXPECT_EQ(Offered({"restore", "--mode", "="}), "recover standby none ");
  EXPECT_EQ(Offered({"plan", "--target-action", "p"}), "promote pause ");
  EXPECT_EQ(Offered({"plan", "--target-timeline", ""}), "latest current ");
  EXPECT_EQ(Offered({"plan", "--target-time", ""}), "");
  EXPECT_EQ(Offered({"restore", "-D", "/var"}), "");
  EXPECT_EQ(paths_, Completion::Paths::kDirectories);
  EXPECT_EQ(CompletionLines(Complete(app_, {"info", "-c", ""}, {})), ":files\n");
  EXPECT_EQ(asked_, "");
}

TEST_F(CompletionTest, NamesComeFromTheRepository) {
  EXPECT_EQ(Offered({"plan", "--backup", ""}), "20260522-090014F 20260523-090014I ");
  EXPECT_EQ(asked_, "backups of ");
  EXPECT_EQ(Offered({"pin", "--config", "'/etc/my settings'", "20260523"}), "20260523-090014I ");
  EXPECT_EQ(asked_, "backups of /etc/my settings");
  EXPECT_EQ(Offered({"merge", "-c", "a", ""}), "20260522-090014F 20260523-090014I ");
  EXPECT_EQ(Offered({"plan", "--config", "=", "/b", "--target-name", "bef"}), "before deploy ");
  EXPECT_EQ(asked_, "restore points of /b");
  EXPECT_EQ(Offered({"pin", "20260522-090014F", ""}), "") << "one is enough";
}

TEST_F(CompletionTest, NothingIsSaidWhereNothingIsThere) {
  EXPECT_EQ(StoredNamesSoon(StoredName::kBackup, "/nonexistent/settings").size(), 0u);
  EXPECT_EQ(StoredNamesSoon(StoredName::kRestorePoint, "/nonexistent/settings").size(), 0u);
}

}  // namespace
}  // namespace pitr::cli
