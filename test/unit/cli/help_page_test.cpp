// The help of every verb and action fits the screen.
#include "cli/help_page.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

#include "cli/verbs.h"

namespace pitr::cli {
namespace {

// Each with the words that lead to it.
void Collect(const CLI::App& app, const std::vector<std::string>& words, std::vector<std::vector<std::string>>& all) {
  all.push_back(words);
  for (const CLI::App* verb : app.get_subcommands([](const CLI::App*) { return true; })) {
    std::vector<std::string> below = words;
    below.push_back(verb->get_name());
    Collect(*verb, below, all);
  }
}

std::string Help(std::vector<std::string> words) {
  words.insert(words.begin(), "pg_pitr");
  words.emplace_back("--help");
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  testing::internal::CaptureStdout();
  EXPECT_EQ(RunCommandLine(static_cast<int>(argv.size()), argv.data()), 0);
  return testing::internal::GetCapturedStdout();
}

class HelpPageTest : public testing::TestWithParam<int> {};

TEST_P(HelpPageTest, FitsTheScreen) {
  CLI::App app;
  Invocation invocation;
  AddVerbs(app, invocation);
  std::vector<std::vector<std::string>> all;
  Collect(app, {}, all);
  ASSERT_GT(all.size(), 20U);
  setenv("COLUMNS", std::to_string(GetParam()).c_str(), 1);
  for (const auto& words : all) {
    const std::string help = Help(words);
    EXPECT_NE(help.find("[OPTIONS]"), std::string::npos) << help;
    std::istringstream lines(help);
    for (std::string line; std::getline(lines, line);) {
      const size_t begin = line.find_first_not_of(' ');
      if (begin == std::string::npos || line.find(' ', begin) == std::string::npos) continue;
      EXPECT_LE(line.size(), static_cast<size_t>(GetParam())) << line;
    }
  }
  unsetenv("COLUMNS");
}

TEST(HelpNamesTest, AnArgumentHasOneName) {
  const std::string merge = Help({"merge"});
  EXPECT_NE(merge.find(" [OPTIONS] BACKUP\n"), std::string::npos) << merge;
  EXPECT_NE(merge.find("\n  BACKUP REQUIRED "), std::string::npos) << merge;
  EXPECT_EQ(merge.find("LABEL"), std::string::npos) << merge;
  EXPECT_NE(Help({"pin"}).find(" [OPTIONS] LABEL\n"), std::string::npos) << Help({"pin"});
  EXPECT_NE(Help({"wal-push"}).find(" [OPTIONS] FILE...\n"), std::string::npos) << Help({"wal-push"});
}

INSTANTIATE_TEST_SUITE_P(Widths, HelpPageTest, testing::Values(80, 120));

TEST(HelpPageTextTest, AnOptionGoesOnBelowItsExplanation) {
  setenv("COLUMNS", "80", 1);
  const std::string help = Help({"info"});
  EXPECT_NE(help.find("  -c,--config FILE          Settings file (default: $PG_PITR_CONFIG, then\n"
                      "                            /etc/pg_pitr.conf)\n"),
            std::string::npos)
      << help;
  unsetenv("COLUMNS");
}

}  // namespace
}  // namespace pitr::cli
