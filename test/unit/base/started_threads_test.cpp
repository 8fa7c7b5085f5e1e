// Test files that say "Starts no thread." are not in the TSan build (CMakeLists.txt). Here, in every other build, it is
// seen whether that is so.
#include "core/base/started_threads.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "core/base/thread.h"

namespace pitr {
namespace {

bool SaysNoThread(const char* path) {
  static std::map<std::string, bool> known;
  const auto [at, is_new] = known.try_emplace(path, false);
  if (!is_new) return at->second;
  std::ifstream file(path);
  EXPECT_TRUE(file.is_open()) << path;
  for (std::string line; std::getline(file, line) && (line.starts_with("//") || line.starts_with("#"));)
    at->second |= line == "// Starts no thread.";
  return at->second;
}

std::vector<std::string>& WrongFiles() {
  static std::vector<std::string> wrong;
  return wrong;
}

class ThreadWatch final : public testing::EmptyTestEventListener {
  void OnTestStart(const testing::TestInfo& /*test*/) override { before_ = StartedThreads(); }
  void OnTestEnd(const testing::TestInfo& test) override {
    if (StartedThreads() != before_ && SaysNoThread(test.file()))
      WrongFiles().push_back(std::string(test.file()) + ": " + test.name());
  }
  uint64_t before_ = 0;
};

class ThreadRule final : public testing::Environment {
  void TearDown() override {
    for (const std::string& test : WrongFiles())
      ADD_FAILURE() << test << " starts a thread, and its file says that it starts none";
  }
};

const bool watching = [] {
  testing::UnitTest::GetInstance()->listeners().Append(new ThreadWatch);
  testing::AddGlobalTestEnvironment(new ThreadRule);
  return true;
}();

TEST(StartedThreadsTest, CountsThem) {
  ASSERT_TRUE(watching);
  const uint64_t before = StartedThreads();
  auto thread = StartThread([] {});
  ASSERT_TRUE(thread.ok());
  thread.value().join();
  EXPECT_EQ(StartedThreads(), before + 1);
  EXPECT_TRUE(SaysNoThread(__FILE__) == false) << "a line of code, and of this comment, is not the mark";
}

}  // namespace
}  // namespace pitr
