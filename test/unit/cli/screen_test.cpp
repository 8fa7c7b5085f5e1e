// What is done differently on a terminal, on one that the test makes.
#include "cli/screen.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <map>
#include <string>

#include "cli/print.h"
#include "cli/progress_line.h"
#include "core/store/retry_watch.h"
#include "lib/test_clock.h"

namespace pitr::cli {
namespace {

class ScreenTest : public testing::Test {
 protected:
  void SetUp() override {
    master_ = posix_openpt(O_RDWR | O_NOCTTY);
    ASSERT_GE(master_, 0);
    ASSERT_EQ(grantpt(master_) + unlockpt(master_), 0);
    terminal_ = fopen(ptsname(master_), "r+");
    ASSERT_NE(terminal_, nullptr);
    for (const char* name : {"COLUMNS", "NO_COLOR", "TERM"}) {
      const char* value = getenv(name);
      if (value != nullptr) before_[name] = value;
      unsetenv(name);
    }
  }
  void TearDown() override {
    for (const char* name : {"COLUMNS", "NO_COLOR", "TERM"}) unsetenv(name);
    for (const auto& [name, value] : before_) setenv(name.c_str(), value.c_str(), 1);
    fclose(terminal_);
    close(master_);
  }
  void SetWidth(unsigned short columns) {
    const winsize size{24, columns, 0, 0};
    ASSERT_EQ(ioctl(master_, TIOCSWINSZ, &size), 0);
  }
  // What was written to it.
  std::string Shown() {
    fcntl(master_, F_SETFL, O_NONBLOCK);
    std::string shown;
    char buffer[4096];
    for (ssize_t got = 0; (got = read(master_, buffer, sizeof buffer)) > 0;)
      shown.append(buffer, static_cast<size_t>(got));
    return shown;
  }
  int master_ = -1;
  FILE* terminal_ = nullptr;
  std::map<std::string, std::string> before_;
};

TEST_F(ScreenTest, ItsWidth) {
  SetWidth(132);
  EXPECT_EQ(ScreenColumns(terminal_), 132U);
  setenv("COLUMNS", "100", 1);
  EXPECT_EQ(ScreenColumns(terminal_), 100U) << "who says so knows better";
  for (const char* nonsense : {"", "wide", "3", "-5", "99999999999999999999"}) {
    setenv("COLUMNS", nonsense, 1);
    EXPECT_EQ(ScreenColumns(terminal_), 132U) << nonsense;
  }
  unsetenv("COLUMNS");
  SetWidth(0);  // as of a serial line
  EXPECT_EQ(ScreenColumns(terminal_), 80U);
  FILE* file = std::tmpfile();
  EXPECT_EQ(ScreenColumns(file), 80U);
  std::fclose(file);
}

TEST_F(ScreenTest, Colours) {
  EXPECT_FALSE(MayColour(terminal_)) << "nobody knows what it is";
  setenv("TERM", "xterm", 1);
  EXPECT_TRUE(MayColour(terminal_));
  setenv("NO_COLOR", "1", 1);
  EXPECT_FALSE(MayColour(terminal_));
  setenv("NO_COLOR", "", 1);
  EXPECT_TRUE(MayColour(terminal_));
  setenv("TERM", "dumb", 1);
  EXPECT_FALSE(MayColour(terminal_));
  setenv("TERM", "xterm", 1);
  FILE* file = std::tmpfile();
  EXPECT_FALSE(MayColour(file)) << "a file is for reading later";
  std::fclose(file);
}

TEST_F(ScreenTest, ProgressFitsALineAndIsGoneAtTheEnd) {
  SetWidth(50);
  Progress progress;
  progress.phase = "comparing and fetching";
  progress.bytes_total = uint64_t{900} << 30;
  progress.bytes_done = uint64_t{300} << 30;
  std::string shown;
  {
    const ProgressLine line(progress, terminal_);
    for (int i = 0; i < 100 && shown.find("33%") == shown.npos; ++i) {
      usleep(20000);
      shown += Shown();
    }
    progress.bytes_done = progress.bytes_total.load();
    for (int i = 0; i < 100 && shown.find("fetching ...") == shown.npos; ++i) {
      usleep(20000);
      shown += Shown();
    }
  }
  shown += Shown();
  EXPECT_NE(shown.find("comparing and fetching [#####...........]  33%"), std::string::npos) << shown;
  EXPECT_NE(shown.find("comparing and fetching ..."), std::string::npos) << "what is left has no percentage: " << shown;
  EXPECT_EQ(shown.find("100%"), std::string::npos) << shown;
  EXPECT_EQ(shown.find('\n'), std::string::npos) << "no line was too long: " << shown;
  const std::string blank = "\r" + std::string(26, ' ') + "\r";
  EXPECT_TRUE(shown.ends_with(blank)) << shown;
}

TEST_F(ScreenTest, WhatIsBeingTriedAgainIsSaidWithTheErrorAndForHowLong) {
  SetWidth(200);
  Progress progress;
  progress.phase = "verifying";
  progress.bytes_total = 100;
  progress.bytes_done = 50;
  WatchedRetry retry;
  test::TestClock an_earlier_start;  // long ago: failures of the last second are not shown
  retry.Failed(Status(Code::kUnavailable, "could not read \"data/1\": HTTP 503 SlowDown"), 90000, an_earlier_start);
  retry.Failed(Status(Code::kUnavailable, "could not read \"data/1\": HTTP 503 SlowDown"), 90000, SystemClock());
  std::string shown;
  {
    const ProgressLine line(progress, terminal_);
    for (int i = 0; i < 200 && shown.find("SlowDown") == shown.npos; ++i) {
      usleep(20000);
      shown += Shown();
    }
  }
  EXPECT_NE(shown.find("trying again, for 1 min"), std::string::npos) << shown;
  EXPECT_NE(shown.find("more: could not read \"data/1\": HTTP 503 SlowDown"), std::string::npos) << shown;
}

}  // namespace
}  // namespace pitr::cli
