#include "cli/manual.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>

#include "cli/verbs.h"

namespace pitr::cli {
namespace {

// As it reads: without escapes and requests, all white space one space.
std::string Read(const std::string& page) {
  std::string text;
  for (size_t i = 0; i < page.size(); i++) {
    if (page.compare(i, 2, "\\-") == 0) {
      text += '-';
      i++;
    } else if (page.compare(i, 2, "\\e") == 0) {
      text += '\\';
      i++;
    } else if (page.compare(i, 2, "\\f") == 0) {
      i += 2;
    } else if (page.compare(i, 2, "\\(") == 0) {
      const std::map<std::string, char> names = {{"aq", '\''}, {"dq", '"'}, {"ga", '`'}, {"ha", '^'}, {"ti", '~'}};
      text += names.at(page.substr(i + 2, 2));
      i += 3;
    } else if (page[i] == '.' && (i == 0 || page[i - 1] == '\n')) {
      i = page.find('\n', i);
    } else if (page[i] == '\n' || page[i] == ' ') {
      if (!text.ends_with(' ')) text += ' ';
    } else {
      text += page[i];
    }
  }
  return text;
}

class ManualTest : public testing::Test {
 protected:
  ManualTest() : app_("Overview\n\nMore: 'of it'\n", "pg_pitr") {
    app_.footer("Exit codes: 0 done");
    AddVerbs(app_, invocation_);
    for (const ManualPage& page : ManualPages(app_)) pages_[page.file] = page.text;
  }
  CLI::App app_;
  Invocation invocation_;
  std::map<std::string, std::string> pages_;
};

TEST_F(ManualTest, EveryVerbHasAPageWithAllThatItsHelpSays) {
  const auto verbs = app_.get_subcommands([](const CLI::App*) { return true; });
  EXPECT_EQ(pages_.size(), verbs.size() + 1);
  for (const CLI::App* verb : verbs) {
    const std::string page = Read(pages_.at("pg_pitr-" + verb->get_name() + ".1"));
    EXPECT_NE(page.find(verb->get_description()), std::string::npos) << verb->get_name();
    EXPECT_NE(Read(pages_.at("pg_pitr.1")).find(verb->get_description()), std::string::npos) << verb->get_name();
    if (verb->get_footer() != app_.get_footer()) {
      EXPECT_NE(page.find(Read(verb->get_footer())), std::string::npos) << page << Read(verb->get_footer());
    }
    for (const CLI::Option* option : verb->get_options()) {
      EXPECT_NE(page.find(Read(option->get_description())), std::string::npos) << option->get_name();
      for (const std::string& name : option->get_lnames()) EXPECT_NE(page.find("--" + name), std::string::npos) << name;
    }
  }
  EXPECT_NE(Read(pages_.at("pg_pitr-timeline.1")).find("pg_pitr timeline set-aside [OPTIONS]"), std::string::npos);
  EXPECT_NE(Read(pages_.at("pg_pitr-key.1")).find("FILE"), std::string::npos);
}

// groff, and man with --warnings, where they are.
TEST_F(ManualTest, TypesetsWithoutWarnings) {
  if (std::system("command -v groff >/dev/null") != 0) GTEST_SKIP() << "no groff";
  std::string dir = testing::TempDir() + "pitr_manual.XXXXXX";
  ASSERT_NE(mkdtemp(dir.data()), nullptr);
  std::string files;
  for (const auto& [name, text] : pages_) {
    std::ofstream(dir + "/" + name) << text;
    files += " '" + dir + "/" + name + "'";
  }
  FILE* said = popen(("groff -man -Tutf8 -ww -z -rCHECKSTYLE=2" + files + " 2>&1").c_str(), "r");
  ASSERT_NE(said, nullptr);
  std::string warnings(4096, '\0');
  warnings.resize(fread(warnings.data(), 1, warnings.size(), said));
  EXPECT_EQ(pclose(said), 0);
  std::filesystem::remove_all(dir);
  EXPECT_EQ(warnings, "");
}

}  // namespace
}  // namespace pitr::cli
