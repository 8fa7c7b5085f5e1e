// Printed commands work when they are pasted: they name the settings file that the caller gave.
#include "cli/print.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>
#include <vector>

#include "cli/verbs.h"
#include "core/base/shell_word.h"

namespace pitr::cli {
namespace {

const std::set<std::string> kVerbs = {"info", "key", "plan", "restore", "wal-push", "timeline"};

TEST(PrintTest, CommandsNameTheSettingsFile) {
  const auto with = [](const std::string& text) { return WithConfig(text, "/srv/a b.conf", kVerbs); };
  EXPECT_EQ(with("Write it again: pg_pitr key import FILE."),
            "Write it again: pg_pitr key --config '/srv/a b.conf' import FILE.");
  EXPECT_EQ(with("pg_pitr info"), "pg_pitr info --config '/srv/a b.conf'");
  EXPECT_EQ(
      with("a:\n  pg_pitr plan --target-latest\n  pg_pitr wal-push /x\n"),
      "a:\n  pg_pitr plan --config '/srv/a b.conf' --target-latest\n  pg_pitr wal-push --config '/srv/a b.conf' /x\n");
  EXPECT_EQ(with("pg_pitr timeline set-aside 2, then pg_pitr info."),
            "pg_pitr timeline --config '/srv/a b.conf' set-aside 2, then pg_pitr info --config '/srv/a b.conf'.");
  for (const char* same : {"pg_pitr restore --config /other.conf -D x", "pg_pitr plan -c /other.conf",
                           "pg_pitr ignores it", "pg_pitr: error: no", "pg_pitr 1.0", "/usr/bin/pg_pitr info",
                           "a newer pg_pitr", "pg_pitr ", "pg_pitr information", "pg_pitr version", "pg_pitr.kit"})
    EXPECT_EQ(with(same), same);
  EXPECT_EQ(WithConfig("pg_pitr info", "", kVerbs), "pg_pitr info") << "none was given";
}

std::string Error(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "pg_pitr");
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  RunCommandLine(static_cast<int>(argv.size()), argv.data());
  testing::internal::GetCapturedStdout();
  return testing::internal::GetCapturedStderr();
}

TEST(PrintTest, AHintOfTheProgramCanBePasted) {
  char name[] = "/tmp/pg_pitr_print_XXXXXX";
  const std::filesystem::path dir = mkdtemp(name);
  std::filesystem::create_directories(dir / "repository/wal/00000001/000000/00000000");
  std::filesystem::create_directories(dir / "repository/.tmp~");
  std::ofstream(dir / "repository/wal/00000001/000000/00000000/000000010000000000000001") << "x";
  const std::string config = dir / "p.conf";
  std::ofstream(config) << "pg_pitr.repository = 'file://" << (dir / "repository").string() << "'\n";
  EXPECT_NE(Error({"info", "--config", config}).find("pg_pitr key --config " + config + " import FILE"),
            std::string::npos)
      << Error({"info", "--config", config});
  std::filesystem::remove_all(dir);
}

// Names of files may hold whatever their owners liked.
TEST(PrintTest, NothingThatIsPrintedMovesTheCursor) {
  EXPECT_EQ(ShownName("a\x1b[2J\nb\x7f \xc3\xa4 \xc2\x9b"), "a\\x1b[2J\\x0ab\\x7f \xc3\xa4 \\xc2\\x9b");
  EXPECT_EQ(ShellWord("/d/a'\x1b\\\n"), "$'/d/a\\'\\x1b\\\\\\x0a'");
  testing::internal::CaptureStdout();
  PrintText("a\x1b]0;b\x07\r\tc\nd\n");
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "a\\x1b]0;b\\x07\\x0d\tc\nd\n");
  testing::internal::CaptureStderr();
  PrintToStderr("\x1b[1;31merror:\x1b[0m \x1b[3m\n");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "\x1b[1;31merror:\x1b[0m \\x1b[3m\n") << "but for our colours";
}

// Who prints elsewhere prints commands without the option.
TEST(PrintTest, EverythingGoesThroughIt) {
  const std::regex print("std::(printf|fputs|fprintf|puts|cout|cerr)\\b");
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(PITR_SOURCE_DIR) / "src/cli")) {
    const std::string stem = entry.path().stem();
    if (entry.path().extension() != ".cpp") continue;
    ++files;
    // The parser's own output, a line of numbers, and a program without core.
    if (stem == "print" || stem == "command_line" || stem == "progress_line" || stem == "wal_get_main") continue;
    std::ostringstream text;
    text << std::ifstream(entry.path()).rdbuf();
    EXPECT_FALSE(std::regex_search(text.str(), print)) << entry.path();
  }
  EXPECT_GT(files, 20);
}

}  // namespace
}  // namespace pitr::cli
