// Starts no thread.
#include "core/survey/archiving_state.h"

#include <gtest/gtest.h>

namespace pitr {
namespace {

constexpr int64_t kNow = 1779450000000000;
constexpr int64_t kMinute = 60000000;

// A server that has stored everything, and waits for nothing.
ArchivingConditions Quiet() {
  ArchivingConditions now;
  now.request_timeout_ms = 30000;
  now.repository = "s3://wal/orders";
  now.now_micros = kNow;
  return now;
}

ArchivingConditions Waiting(int64_t waited_ms) {
  ArchivingConditions now = Quiet();
  now.current_file = "000000010000000000000007";
  now.waited_ms = waited_ms;
  return now;
}

TEST(ArchivingStateTest, AStoreThatDoesNotAnswerForTheTimeoutIsStalled) {
  EXPECT_EQ(JudgeArchiving(Waiting(0)).name, "archiving");
  EXPECT_EQ(JudgeArchiving(Waiting(30000)).name, "archiving") << "a request may take that long";
  const ArchivingState stalled = JudgeArchiving(Waiting(30001));
  EXPECT_EQ(stalled.name, "stalled");
  EXPECT_EQ(stalled.problem,
            "the repository does not answer: WAL file 000000010000000000000007 has been on its way for 30 s");
  EXPECT_NE(stalled.hint.find("s3://wal/orders"), std::string::npos) << stalled.hint;
}

TEST(ArchivingStateTest, WhatIsKnownBetterIsNotCalledStalled) {
  ArchivingConditions now = Waiting(3600000);
  now.failures = 2;
  EXPECT_EQ(JudgeArchiving(now).name, "failing");
  now.held = true;
  EXPECT_EQ(JudgeArchiving(now).name, "held");
  EXPECT_EQ(JudgeArchiving(now).problem, "") << "the archiver's last error says why";
  now.runs = false;
  EXPECT_EQ(JudgeArchiving(now).name, "not started");
  now.configured = Status(Code::kInvalidArgument, "both are set").WithHint("Set one.");
  EXPECT_EQ(JudgeArchiving(now).name, "not configured");
  EXPECT_EQ(JudgeArchiving(now).problem, "both are set");
  EXPECT_EQ(JudgeArchiving(now).hint, "Set one.");
  now.archive_mode = false;
  EXPECT_EQ(JudgeArchiving(now).name, "off");
}

// Nothing is written, archive_timeout is not reached, nobody asks for a file: for a minute or a week.
TEST(ArchivingStateTest, AnIdleServerIsNeverInTrouble) {
  for (const int64_t minutes : {0, 1, 10080}) {
    ArchivingConditions now = Quiet();
    now.now_micros += minutes * kMinute;
    // Since the last file was stored; PostgreSQL waits for none.
    now.waited_ms = minutes * 60000;
    const ArchivingState state = JudgeArchiving(now);
    EXPECT_EQ(state.name, "idle") << minutes;
    EXPECT_EQ(state.problem + state.hint, "") << minutes;
    EXPECT_EQ(state.at_risk_micros, 0) << minutes;
  }
}

// The first commit after a quiet hour is as old as it is, whenever a file was stored last.
TEST(ArchivingStateTest, WhatIsAtRiskIsAsOldAsItsOldestCommit) {
  ArchivingConditions now = Quiet();
  now.oldest_commit_micros = kNow - 250000;
  EXPECT_EQ(JudgeArchiving(now).at_risk_micros, 250000);
  EXPECT_EQ(JudgeArchiving(now).name, "idle");
  now.oldest_commit_micros = kNow + 5;
  EXPECT_EQ(JudgeArchiving(now).at_risk_micros, 0) << "the clock was set back";
}

}  // namespace
}  // namespace pitr
