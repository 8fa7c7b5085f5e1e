// Commands that documents and messages name exist and parse: nobody should find out at 3 a.m. that they do not.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "cli/verbs.h"

namespace pitr::cli {
namespace {

namespace fs = std::filesystem;

std::string ReadText(const fs::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// As a shell would split it, up to a comment, a pipe or the next command.
std::vector<std::string> Words(const std::string& line) {
  std::vector<std::string> words;
  std::string word;
  bool any = false;
  char quote = 0;
  for (const char c : line) {
    if (quote != 0) {
      if (c == quote) {
        quote = 0;
      } else {
        word += c;
      }
    } else if (c == '\'' || c == '"') {
      quote = c;
      any = true;
    } else if (c == ' ' || c == '\t') {
      if (any || !word.empty()) words.push_back(word);
      word.clear();
      any = false;
    } else if ((c == '#' && word.empty()) || c == ';' || c == '|' || c == '&') {
      break;
    } else {
      word += c;
    }
  }
  if (any || !word.empty()) words.push_back(word);
  return words;
}

// Where a person puts something of their own, a number does for everything.
std::string Filled(const std::string& word) {
  static const std::regex placeholder("[A-Z]{1,}|N=NEW|<[a-z ]+>|\\.\\.\\.");
  return std::regex_match(word, placeholder) ? "1" : word;
}

// Empty when the command line is accepted: then the missing settings file, or directory, is what is wrong.
std::string WhyNotParsed(std::vector<std::string> words) {
  for (std::string& word : words) word = Filled(word);
  const bool configured = std::any_of(words.begin(), words.end(),
                                      [](const std::string& word) { return word == "-c" || word == "--config"; });
  if (!configured && words[0] != "version") words.insert(words.end(), {"--config", "/no/such/file"});
  words.insert(words.begin(), "pg_pitr");
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  RunCommandLine(static_cast<int>(argv.size()), argv.data());
  testing::internal::GetCapturedStdout();
  const std::string said = testing::internal::GetCapturedStderr();
  // What is wrong with a command line is told with where it is explained, or what was meant.
  const bool wrong = said.find(" --help") != said.npos || said.find("Perhaps you meant") != said.npos ||
                     said.find("unknown ") != said.npos;
  return wrong ? said : "";
}

std::set<std::string> Verbs() {
  CLI::App app;
  Invocation invocation;
  AddVerbs(app, invocation);
  std::set<std::string> verbs;
  for (const CLI::App* verb : app.get_subcommands([](CLI::App*) { return true; })) verbs.insert(verb->get_name());
  return verbs;
}

TEST(NamedCommandsTest, ThoseOfTheDocumentsParse) {
  std::vector<fs::path> pages = {fs::path(PITR_SOURCE_DIR) / "README.md"};
  for (const auto& entry : fs::directory_iterator(fs::path(PITR_SOURCE_DIR) / "docs"))
    // The format names labels of keys, no commands.
    if (entry.path().extension() == ".md" && entry.path().stem() != "format") pages.push_back(entry.path());
  const std::set<std::string> verbs = Verbs();
  int parsed = 0;
  // In a block of commands, or between backquotes.
  const std::regex line("(?:^|\n) *(?:sudo -u postgres )?pg_pitr ([^\n`]*)"),
      inside("`(?:sudo -u postgres )?pg_pitr ([^`\n]*)`");
  for (const fs::path& page : pages) {
    const std::string text = ReadText(page);
    for (const std::regex* kind : {&line, &inside}) {
      for (std::sregex_iterator found(text.begin(), text.end(), *kind), end; found != end; ++found) {
        const std::string command = (*found)[1].str();
        const std::vector<std::string> words = Words(command);
        if (words.empty() || command.find_first_of("[]") != std::string::npos) continue;  // a summary of options
        // Prose that happens to begin a line with the program's name.
        if (kind == &line && !verbs.contains(words[0])) continue;
        if (words[0].starts_with("-")) continue;
        if (command == "backup") continue;  // what the backup worker is called in pg_stat_activity
        ++parsed;
        const bool known = verbs.contains(words[0]);
        EXPECT_TRUE(known) << page << ": pg_pitr " << command;
        // A verb alone is a name, and so is one with what it does.
        const bool of_two = words[0] == "timeline" || words[0] == "key";
        if (!known || words.size() == (of_two ? 2 : 1)) continue;
        EXPECT_EQ(WhyNotParsed(words), "") << page << ": pg_pitr " << command;
      }
    }
  }
  EXPECT_GT(parsed, 40);
}

// Of a message only what stands in one string can be seen here; what it puts together is tested where it is made.
TEST(NamedCommandsTest, OptionsThatMessagesNameExist) {
  std::set<std::string> options, named;
  const std::regex option("--[a-z][a-z-]*[a-z]"), literal("\"(?:[^\"\\\\\n]|\\\\.)*\"");
  const auto collect = [&](const fs::path& directory, bool definitions) {
    for (const auto& entry : fs::recursive_directory_iterator(fs::path(PITR_SOURCE_DIR) / directory)) {
      if (entry.path().extension() != ".cpp") continue;
      const std::string text = ReadText(entry.path());
      for (std::sregex_iterator string(text.begin(), text.end(), literal), end; string != end; ++string) {
        const std::string content = string->str();
        const bool defines = definitions && std::regex_match(content, std::regex("\"(-[A-Za-z],)?--[a-z-]+\""));
        for (std::sregex_iterator found(content.begin(), content.end(), option); found != end; ++found)
          (defines ? options : named).insert(found->str());
      }
    }
  };
  collect("src/cli", true);
  collect("src/core", false);
  // Of pg_checksums, and the form of any option of the server.
  for (const char* elsewhere : {"--help", "--enable", "--name"}) named.erase(elsewhere);
  ASSERT_GT(options.size(), 30U);
  ASSERT_GT(named.size(), 10U);
  for (const std::string& name : named) EXPECT_TRUE(options.contains(name)) << name;
}

// Those that PostgreSQL calls speak to nobody else.
TEST(NamedCommandsTest, EveryVerbSpeaksJsonAsIsDocumented) {
  CLI::App app;
  Invocation invocation;
  AddVerbs(app, invocation);
  const std::string page = ReadText(fs::path(PITR_SOURCE_DIR) / "docs/json.md");
  const auto all = [](const CLI::App*) { return true; };
  int asked = 0;
  const auto ask = [&](const CLI::App& verb, const std::string& section) {
    ++asked;
    EXPECT_NE(verb.get_option_no_throw("--json"), nullptr) << section << ", " << verb.get_name();
    EXPECT_NE(page.find("\n## `" + section + "`\n"), std::string::npos) << section;
  };
  for (const CLI::App* verb : const_cast<const CLI::App&>(app).get_subcommands(all)) {
    if (verb->get_name() == "wal-get" || verb->get_name() == "recovery-end") continue;
    const auto actions = verb->get_subcommands(all);
    for (const CLI::App* action : actions)
      ask(*action, verb->get_name() == "key" ? "key " + action->get_name() : verb->get_name());
    if (actions.empty()) ask(*verb, verb->get_name());
  }
  EXPECT_GT(asked, 18);
}

TEST(NamedCommandsTest, VerbsThatMessagesNameExist) {
  const std::set<std::string> verbs = Verbs();
  // "pg_pitr info lists ...", "run pg_pitr wal-push": a word after the program's name that looks like a verb of ours or
  // has a hyphen is one.
  const std::regex command("pg_pitr ([a-z]+-[a-z]+)");
  int seen = 0;
  for (const auto& entry : fs::recursive_directory_iterator(fs::path(PITR_SOURCE_DIR) / "src")) {
    if (entry.path().extension() != ".cpp") continue;
    const std::string text = ReadText(entry.path());
    for (std::sregex_iterator found(text.begin(), text.end(), command), end; found != end; ++found, ++seen)
      EXPECT_TRUE(verbs.contains((*found)[1].str())) << entry.path() << ": " << found->str();
  }
  EXPECT_GT(seen, 10);
}

}  // namespace
}  // namespace pitr::cli
