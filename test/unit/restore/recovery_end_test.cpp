#include "core/restore/recovery_end.h"

#include <gtest/gtest.h>

#include "core/base/bytes.h"
#include "core/pg/control.h"
#include "core/pg/wal_name.h"
#include "core/repo/layout.h"
#include "core/repo/opening/archive_hold.h"
#include "core/restore/copy_guard.h"
#include "core/restore/cut_off_recovery.h"
#include "core/restore/restore_state.h"
#include "unit/restore/restore_fixture.h"

namespace pitr::test {
namespace {

class RecoveryEndTest : public RestoreFixture {
 protected:
  void Restored() {
    ASSERT_NO_FATAL_FAILURE(Prepare(false));
    plan_.target.kind = TargetKind::kLsn;
    plan_.target.lsn = plan_.stop.lsn = Lsn{0x7000200};
    plan_.stop.end = Lsn{0x7000240};
    plan_.stop.applied = true;
    plan_.newest[Timeline{1}] = Lsn{0x8000000};
    options_.program = "/usr/bin/pg_pitr";
    ASSERT_NO_FATAL_FAILURE(MustRun());
  }
  // Offsets of PostgreSQL 15's.
  template <class Value>
  void SetControl(size_t offset, Value value) {
    const std::string text = ReadFileText(At("global/pg_control"));
    Bytes control(text.begin(), text.end());
    StoreLe(&control[offset], value);
    ASSERT_TRUE(SealControlFile(control).ok());
    WriteFileText(At("global/pg_control"), AsText(control));
  }
  void SetState(ClusterState state) { SetControl(16, static_cast<uint32_t>(state)); }
  // The server has begun to recover.
  void Started() {
    std::filesystem::rename(At("backup_label"), At("backup_label.old"));
    SetState(ClusterState::kInArchiveRecovery);
    SetControl(136, uint64_t{0x7000240});
    SetControl(144, uint32_t{1});
  }
  // As a promotion leaves it, which takes no checkpoint at once.
  void Promoted(const std::string& history) {
    Started();
    std::filesystem::remove(At("recovery.signal"));
    WriteFileText(At("pg_wal/00000002.history"), history);
    SetControl(144, uint32_t{3});
    SetState(ClusterState::kInProduction);
  }
  // On the new timeline.
  void Checkpointed() { SetControl(48, uint32_t{2}); }
  // In the middle of its checkpoint.
  void DiedWhileItEnded() {
    Started();
    std::filesystem::remove(At("recovery.signal"));
    WriteFileText(At("pg_wal/00000002.history"), "1\t0/7000240\tafter LSN 0/7000200\n");
    WriteFileText(At("pg_wal/archive_status/00000002.history.ready"), "");
    SetState(ClusterState::kShuttingDown);
  }
  std::string Resume() {
    auto text = ResumeCutOff(options_.data_directory);
    EXPECT_TRUE(text.ok()) << text.status().ToString();
    return text.value().value_or("");
  }
  bool Has(const std::string& path) { return std::filesystem::exists(At(path)); }
  bool HasRoomForPrepared() {
    return ReadFileText(At("postgresql.auto.conf")).find("max_prepared_transactions = '10'") != std::string::npos;
  }
  RestoreMark Mark() {
    auto tree = ClusterTree::Open(options_.data_directory);
    return ReadRestoreMark(tree.value()).value().value();
  }
  std::optional<RecoveryOutcome> Finish() {
    auto mark = FinishRecovery(options_.data_directory, 5);
    EXPECT_TRUE(mark.ok()) << mark.status().ToString();
    return mark.value()->outcome;
  }
};

TEST_F(RecoveryEndTest, WaitsForTheEndAndThenCleansUp) {
  ASSERT_NO_FATAL_FAILURE(Restored());
  EXPECT_FALSE(Finish()) << "recovery has not begun";
  EXPECT_NE(ReadFileText(At("postgresql.auto.conf")).find("recovery_target_lsn"), std::string::npos);
  Promoted("1\t0/7000240\tafter LSN 0/7000200\n");
  Checkpointed();
  const auto outcome = Finish();
  ASSERT_TRUE(outcome);
  EXPECT_TRUE(outcome->as_planned) << outcome->text;
  EXPECT_EQ(ReadFileText(At("postgresql.auto.conf")), "# ours\nwork_mem = '8MB'\n");
  EXPECT_TRUE(Mark().settings.empty());
  EXPECT_EQ(Finish()->seen_micros, 5);
}

// The restore wrote it, and without it the server would not start again.
TEST_F(RecoveryEndTest, RoomForPreparedTransactionsStays) {
  ASSERT_NO_FATAL_FAILURE(Restored());
  ASSERT_TRUE(HasRoomForPrepared());
  WriteFileText(At("pg_twophase/000002DF"), "x");
  Promoted("1\t0/7000240\tafter LSN 0/7000200\n");
  Checkpointed();
  const auto outcome = Finish();
  ASSERT_TRUE(outcome);
  EXPECT_TRUE(outcome->as_planned);
  EXPECT_NE(outcome->text.find("; max_prepared_transactions = 10 stays"), std::string::npos) << outcome->text;
  EXPECT_EQ(ReadFileText(At("postgresql.auto.conf")), "# ours\nwork_mem = '8MB'\nmax_prepared_transactions = '10'\n");
  EXPECT_EQ(Mark().settings.size(), 1U) << "the next restore takes it out";
}

// As a promotion leaves it: what is prepared is in memory only.
TEST_F(RecoveryEndTest, RoomForPreparedTransactionsStaysWhereNobodyKnows) {
  ASSERT_NO_FATAL_FAILURE(Restored());
  Promoted("1\t0/7000240\tafter LSN 0/7000200\n");
  ASSERT_TRUE(Finish());
  EXPECT_TRUE(HasRoomForPrepared());
}

TEST_F(RecoveryEndTest, CutOffItGoesOn) {
  ASSERT_NO_FATAL_FAILURE(Restored());
  EXPECT_EQ(Resume(), "") << "before the first start";
  ASSERT_NO_FATAL_FAILURE(DiedWhileItEnded());
  EXPECT_FALSE(Finish()) << "it has not ended";
  EXPECT_NE(Resume().find("died while recovery ended"), std::string::npos);
  EXPECT_TRUE(Has("recovery.signal"));
  EXPECT_FALSE(Has("pg_wal/00000002.history")) << "the server writes it again";
  EXPECT_FALSE(Has("pg_wal/archive_status/00000002.history.ready"));
  EXPECT_EQ(Resume(), "") << "once is enough";
}

TEST_F(RecoveryEndTest, CutOffWithItsHistoryFileArchived) {
  ASSERT_NO_FATAL_FAILURE(Restored());
  ASSERT_NO_FATAL_FAILURE(DiedWhileItEnded());
  std::filesystem::rename(At("pg_wal/archive_status/00000002.history.ready"),
                          At("pg_wal/archive_status/00000002.history.done"));
  EXPECT_NE(Resume(), "");
  EXPECT_TRUE(Has("pg_wal/00000002.history")) << "its number is taken";
}

TEST_F(RecoveryEndTest, ASignalThatWasRemovedByHandComesBack) {
  ASSERT_NO_FATAL_FAILURE(Restored());
  ASSERT_NO_FATAL_FAILURE(Started());
  SetState(ClusterState::kShutDownInRecovery);
  EXPECT_EQ(Resume(), "") << "it is there";
  std::filesystem::remove(At("recovery.signal"));
  EXPECT_NE(Resume().find("removed it"), std::string::npos);
  EXPECT_TRUE(Has("recovery.signal"));
}

// What is on disk is of after the target by now: no recovery to it would be right.
TEST_F(RecoveryEndTest, OnceOpenedWithoutRecoveryItIsUndone) {
  ASSERT_NO_FATAL_FAILURE(Restored());
  ASSERT_NO_FATAL_FAILURE(DiedWhileItEnded());
  SetState(ClusterState::kInCrashRecovery);
  EXPECT_EQ(Resume(), "");
  EXPECT_FALSE(Finish());
  SetControl(136, uint64_t{0});
  SetControl(144, uint32_t{0});
  for (const auto state : {ClusterState::kShuttingDown, ClusterState::kShutDown, ClusterState::kInProduction}) {
    SetState(state);
    EXPECT_EQ(Resume(), "");
    EXPECT_FALSE(Has("recovery.signal"));
  }
  const auto outcome = Finish();
  ASSERT_TRUE(outcome);
  EXPECT_FALSE(outcome->as_planned);
  EXPECT_TRUE(Mark().outcome->undone);
  EXPECT_NE(outcome->text.find("undone: the server opened on timeline 1"), std::string::npos) << outcome->text;
  EXPECT_NE(outcome->text.find("started again without recovery.signal"), std::string::npos) << outcome->text;
  const Status held = CheckRestoredServer(*repo_.repository, options_.data_directory, Mark(), OpContext());
  EXPECT_TRUE(IsArchivingHeld(held)) << held.ToString();
  EXPECT_NE(held.hint().find("restore once more"), std::string::npos);
  ASSERT_TRUE(TakeOver(options_.data_directory).ok());
  EXPECT_TRUE(CheckRestoredServer(*repo_.repository, options_.data_directory, Mark(), OpContext()).ok());
}

TEST_F(RecoveryEndTest, OpenedWithoutRecoveryBeforeItEnded) {
  ASSERT_NO_FATAL_FAILURE(Restored());
  std::filesystem::remove(At("recovery.signal"));
  SetState(ClusterState::kInProduction);
  EXPECT_FALSE(Finish()) << "as the backup has it: not started yet";
  std::filesystem::rename(At("backup_label"), At("backup_label.old"));
  const auto outcome = Finish();
  ASSERT_TRUE(outcome);
  EXPECT_TRUE(outcome->undone);
}

TEST_F(RecoveryEndTest, SaysThatItEndedElsewhere) {
  ASSERT_NO_FATAL_FAILURE(Restored());
  Promoted("1\t0/6000100\treached consistency\n");
  const auto outcome = Finish();
  ASSERT_TRUE(outcome);
  EXPECT_FALSE(outcome->as_planned);
  EXPECT_NE(outcome->text.find("0/6000100"), std::string::npos) << outcome->text;
  EXPECT_NE(outcome->text.find("0/7000200"), std::string::npos) << outcome->text;
}

TEST_F(RecoveryEndTest, BeforeTheTimelineThatWasFollowedHadBegun) {
  ASSERT_NO_FATAL_FAILURE(Restored());
  Promoted("1\t0/9000000\tx\n2\t0/7000240\tafter LSN 0/7000200\n");
  std::filesystem::rename(At("pg_wal/00000002.history"), At("pg_wal/00000003.history"));
  const auto outcome = Finish();
  ASSERT_TRUE(outcome) << "PostgreSQL writes it so";
  EXPECT_EQ(outcome->parent.value, 2U);
}

TEST_F(RecoveryEndTest, EachKindOfEnd) {
  RestoreMark mark;
  mark.timeline = Timeline{1};
  mark.segment_size_bytes = 1U << 24;
  mark.stop_lsn = Lsn{0x7000200};
  const auto ends = [&](uint64_t lsn, uint32_t parent = 1) {
    return CompareWithPlan(mark, {Timeline{2}, Timeline{parent}, Lsn{lsn}, "x"}).as_planned;
  };
  mark.kind = TargetKind::kTime;
  EXPECT_TRUE(ends(0x7000200));
  EXPECT_TRUE(ends(0x70001F8)) << "alignment, or the header of a page, is between";
  EXPECT_FALSE(ends(0x7000208));
  EXPECT_FALSE(ends(0x7000100));
  EXPECT_FALSE(ends(0x7000200, 3)) << "another timeline";
  mark.applied = true;
  mark.stop_end = Lsn{0x7000280};
  EXPECT_TRUE(ends(0x7000280));
  EXPECT_FALSE(ends(0x7000200));
  mark.kind = TargetKind::kLatest;
  mark.last_segment = Lsn{0x7000000};
  EXPECT_TRUE(ends(0x7000300));
  EXPECT_TRUE(ends(0x9000000)) << "more was archived since";
  EXPECT_FALSE(ends(0x6000000));
  mark.last_xid = 731;
  mark.last_commit_end = Lsn{0x7000200};
  EXPECT_TRUE(ends(0x7000200));
  EXPECT_FALSE(ends(0x7000180)) << "in the last segment, without the last transaction";
  mark.kind = TargetKind::kImmediate;
  EXPECT_TRUE(ends(0x7000200));
  EXPECT_FALSE(ends(0x7000100));
}

TEST_F(RecoveryEndTest, OneThatStaysAtItsTarget) {
  plan_.target.action = TargetAction::kPause;
  ASSERT_NO_FATAL_FAILURE(Restored());
  const RestoreMark mark = Mark();
  EXPECT_EQ(ActionAtTarget(mark), TargetAction::kPause);
  const RecoveryOutcome there = CompareHalted(mark, Halt::kPaused, Lsn{0x7000240});
  EXPECT_TRUE(there.as_planned) << there.text;
  EXPECT_EQ(there.text.find("recovery is paused at 0/7000240; so it was planned: "), 0U) << there.text;
  const RecoveryOutcome before = CompareHalted(mark, Halt::kShutDown, Lsn{0x7000100});
  EXPECT_FALSE(before.as_planned);
  EXPECT_NE(before.text.find("planned was"), std::string::npos) << before.text;
}

// A recovery archives without a word, a copy of what lives does not.
TEST_F(RecoveryEndTest, HoldsWhileTheParentGrows) {
  ASSERT_NO_FATAL_FAILURE(Restored());
  Promoted("1\t0/7000240\tafter LSN 0/7000200\n");
  const uint32_t segment_size = repo_.repository->segment_size();
  const auto name_at = [&](uint64_t lsn) {
    return SegmentFileName(Timeline{1}, SegmentOf(Lsn{lsn}, segment_size), segment_size);
  };
  const auto store = [&](const std::string& name) {
    ASSERT_TRUE(repo_.repository->CreateObject(ObjectKind::kWal, layout::WalKey(name), AsBytes("x"), OpContext()).ok());
  };
  store(name_at(0x7000000));
  store(name_at(0x8000000));
  CopyGuard guard(options_.data_directory);
  const Status admitted = guard.Check(*repo_.repository, OpContext());
  EXPECT_TRUE(admitted.ok()) << "its parent's WAL beyond the fork was there before: " << admitted.ToString();
  EXPECT_NE(Mark().admitted_micros, 0);
  const std::string next = name_at(0x8000000 + segment_size);
  store(next);
  CopyGuard later(options_.data_directory);
  const Status held = later.Check(*repo_.repository, OpContext());
  EXPECT_TRUE(IsArchivingHeld(held)) << held.ToString();
  EXPECT_NE(held.detail().find(next), std::string::npos) << held.detail();
  EXPECT_NE(held.hint().find("take-over"), std::string::npos) << held.hint();
  ASSERT_TRUE(TakeOver(options_.data_directory).ok());
  CopyGuard again(options_.data_directory);
  EXPECT_TRUE(again.Check(*repo_.repository, OpContext()).ok());
}

TEST_F(RecoveryEndTest, ACopyNeverArchivesWhereItCameFrom) {
  ASSERT_NO_FATAL_FAILURE(Prepare(false));
  options_.as_copy = true;
  ASSERT_NO_FATAL_FAILURE(MustRun());
  EXPECT_EQ(SettingIn(ReadFileText(At("postgresql.auto.conf")), "archive_mode"), "off");
  CopyGuard guard(options_.data_directory);
  EXPECT_TRUE(IsArchivingHeld(guard.Check(*repo_.repository, OpContext())));
  const auto removed = TakeOver(options_.data_directory);
  ASSERT_TRUE(removed.ok());
  EXPECT_EQ(SettingIn(ReadFileText(At("postgresql.auto.conf")), "archive_mode"), "");
  CopyGuard again(options_.data_directory);
  EXPECT_TRUE(again.Check(*repo_.repository, OpContext()).ok());
}

// Killed half-way: over a directory that was restored before, too.
TEST_F(RecoveryEndTest, ARestoreThatWasCutOffIsNotFinished) {
  ASSERT_NO_FATAL_FAILURE(Restored());
  auto tree = ClusterTree::Open(options_.data_directory);
  ASSERT_TRUE(tree.ok());
  ASSERT_TRUE(MarkOfRestored(tree.value()).ok());
  RestoreState state;
  state.label = "20260522-090014F";
  ASSERT_TRUE(WriteRestoreState(tree.value(), state).ok());
  EXPECT_TRUE(MarkOfRestored(tree.value()).ok()) << "with pg_control only the mark was left";
  std::filesystem::remove(At("global/pg_control"));
  for (const bool marked : {true, false}) {
    if (!marked) std::filesystem::remove(At(std::string(kRestoreMarkPath)));
    for (const Status& refused : {MarkOfRestored(tree.value()).status(), TakeOver(options_.data_directory).status()}) {
      EXPECT_EQ(refused.code(), Code::kConflict);
      EXPECT_NE(refused.message().find("is not finished"), std::string::npos) << refused.ToString();
      EXPECT_NE(refused.hint().find("same command again"), std::string::npos) << refused.ToString();
    }
  }
  std::filesystem::remove(At(std::string(kRestoreStatePath)));
  const Status never = MarkOfRestored(tree.value()).status();
  EXPECT_EQ(never.code(), Code::kNotFound);
  EXPECT_NE(never.message().find("was not made by a restore"), std::string::npos);
  EXPECT_FALSE(never.hint().empty());
}

}  // namespace
}  // namespace pitr::test
