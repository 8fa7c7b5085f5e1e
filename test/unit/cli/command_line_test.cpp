#include <gtest/gtest.h>
#include <signal.h>

#include "cli/exit_code.h"
#include "cli/progress_line.h"
#include "cli/verbs.h"

namespace pitr::cli {
namespace {

int RunArguments(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "pg_pitr");
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  const int code = RunCommandLine(static_cast<int>(argv.size()), argv.data());
  testing::internal::GetCapturedStdout();
  testing::internal::GetCapturedStderr();
  return code;
}

TEST(CommandLineTest, UsageErrorsAndHelp) {
  EXPECT_EQ(RunArguments({}), kExitUsage);
  EXPECT_EQ(RunArguments({"frobnicate"}), kExitUsage);
  EXPECT_EQ(RunArguments({"--help"}), kExitOk);
  for (const char* verb :
       {"info", "plan", "restore", "check", "wal-get", "wal-push", "key", "expire", "pin", "unpin", "version"})
    EXPECT_EQ(RunArguments({verb, "--help"}), kExitOk) << verb;
  EXPECT_EQ(RunArguments({"version"}), kExitOk);
  EXPECT_EQ(RunArguments({"info", "--config", "/no/such/file"}), kExitUsage);
  EXPECT_EQ(RunArguments({"plan", "--target-time", "soon", "--config", "/no/such/file"}), kExitUsage);
  EXPECT_EQ(RunArguments({"plan", "--target-xid", "12", "--target-latest", "--config", "/no/such/file"}), kExitUsage);
  EXPECT_EQ(RunArguments({"restore", "--mode", "sideways"}), kExitUsage);
  EXPECT_EQ(RunArguments({"pin"}), kExitUsage);
  // A variable of the shell that was not set: not "no target", nor the default settings file.
  EXPECT_EQ(RunArguments({"plan", "--target-time", "", "--config", "/no/such/file"}), kExitUsage);
  EXPECT_EQ(RunArguments({"expire", "--config", "/no/such/file"}), kExitUsage);
}

// PostgreSQL takes 1 to 125 for "no such file" and goes on as if WAL ended there.
TEST(CommandLineTest, WalGetNeverTakesAnErrorForAbsence) {
  EXPECT_EQ(RunArguments({"wal-get"}), kWalGetConfiguration);
  EXPECT_EQ(RunArguments({"wal-get", "--frobnicate", "a", "b"}), kWalGetConfiguration);
  EXPECT_EQ(RunArguments({"wal-get", "000000010000000000000001", "/tmp/x", "--config", "/no/such/file"}),
            kWalGetConfiguration);
  for (Code code : {Code::kAlreadyExists, Code::kConflict, Code::kInvalidArgument, Code::kCorruption,
                    Code::kUnavailable, Code::kPermission, Code::kCancelled, Code::kInternal})
    EXPECT_GT(WalGetExitCode({code, "x"}), 125) << CodeName(code);
  EXPECT_EQ(WalGetExitCode(Status::Ok()), 0);
  EXPECT_EQ(WalGetExitCode({Code::kNotFound, "x"}), 1);
  EXPECT_EQ(WalGetExitCode({Code::kCancelled, "x"}), 128 + SIGTERM);
}

TEST(ProgressLineTest, Text) {
  EXPECT_EQ(ProgressText("fetching", 0, 1 << 20, 0, false), "fetching:   0%  0 B of 1.0 MB");
  EXPECT_EQ(ProgressText("fetching", 1 << 19, 1 << 20, 1 << 18, true),
            "fetching [########........]  50%  512.0 kB of 1.0 MB  256.0 kB/s  ETA 3 s");
  EXPECT_EQ(ProgressText("reading", 999999, 1000000, 0, false), "reading:  99%  976.6 kB of 976.6 kB");
  // What is left is not counted in bytes: no bar stands at its end.
  EXPECT_EQ(ProgressText("writing to disk", 1 << 20, 1 << 20, 1 << 18, true), "writing to disk ...");
  EXPECT_EQ(ProgressText("looking at the directory", 0, 0, 0, true), "looking at the directory ...");
}

TEST(ProgressLineTest, TheLongestLineFitsATerminal) {
  const uint64_t total = uint64_t{1023} << 30;
  const std::string text = ProgressText("comparing and fetching", 1, total, 100000, true);
  EXPECT_LE(FitLine(text, 80).size(), 79U);
  EXPECT_EQ(FitLine("abc", 4), "abc");
  EXPECT_EQ(FitLine("abcd", 4), "abc");
}

TEST(ProgressLineTest, APlanCountsSegmentsAndIsSilentElsewhereThanOnATerminal) {
  EXPECT_EQ(PlanProgressText(120, 200), "looking at WAL: 120 of 200 segments");
  EXPECT_EQ(PlanProgressText(2, 1), "looking at WAL: 1 of 1 segment");
  FILE* file = std::tmpfile();
  Progress progress;
  progress.files_total = progress.files_done = 7;
  { const ProgressLine line(progress, file, ProgressLine::Of::kPlan); }
  EXPECT_EQ(std::ftell(file), 0);
  std::fclose(file);
}

}  // namespace
}  // namespace pitr::cli
