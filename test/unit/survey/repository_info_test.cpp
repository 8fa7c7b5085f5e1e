#include "core/survey/repository_info.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/pg/wal_name.h"
#include "core/repo/layout.h"
#include "core/repo/timelines/timeline_aside.h"
#include "core/report/info_report.h"
#include "core/restore/wal_path.h"
#include "lib/repository_fixture.h"

namespace pitr {
namespace {

constexpr uint32_t kSize = 1U << 20;

class RepositoryInfoTest : public test::RepositoryTest {
 protected:
  void SetUp() override { repository_ = MustOpenOrCreate(config_); }
  void Put(const std::string& name, std::string_view content = "x") {
    ASSERT_TRUE(repository_->CreateObject(ObjectKind::kWal, layout::WalKey(name), AsBytes(content), ctx_).ok());
  }
  void Segments(uint32_t timeline, uint64_t first, uint64_t last) {
    for (uint64_t no = first; no <= last; ++no) Put(SegmentFileName(Timeline{timeline}, SegmentNo{no}, kSize));
  }
  void Backup(const std::string& label, uint64_t segment, int64_t micros) {
    BackupManifest backup;
    backup.label = label;
    backup.cluster = test::kCluster;
    backup.timeline = backup.stop_timeline = Timeline{1};
    backup.start_lsn = backup.checkpoint_lsn = Lsn{segment * kSize + 0x28};
    backup.stop_lsn = Lsn{(segment + 1) * kSize + 0x100};
    backup.start_micros = micros - 1000000;
    backup.stop_micros = micros;
    backups_.backups.push_back(backup);
  }
  RepositoryInfo Make(std::vector<VerifyRecord> verifications = {}, const std::vector<BackupFailure>& failures = {}) {
    auto wal = WalCatalog::Load(*repository_, ctx_);
    EXPECT_TRUE(wal.ok());
    auto branches = BranchTree::Load(*repository_, backups_, wal.value(), ctx_);
    EXPECT_TRUE(branches.ok()) << test::TextOf(branches);
    return MakeRepositoryInfo(*repository_, backups_, wal.value(), branches.value(),
                              {.own_timeline = own_, .own_started_micros = own_ ? 1779440000000000 : 0},
                              std::move(verifications), failures);
  }
  std::unique_ptr<Repository> repository_;
  BackupCatalog backups_;
  std::optional<Timeline> own_;
};

TEST_F(RepositoryInfoTest, AnEmptyRepositorySaysSo) {
  const RepositoryInfo report = Make();
  EXPECT_FALSE(report.window.possible);
  EXPECT_EQ(report.window.problem, "The archive is empty.");
  const std::string text = InfoText(report);
  EXPECT_NE(text.find("backups: none"), std::string::npos) << text;
  EXPECT_NE(text.find("WAL archive: empty"), std::string::npos) << text;
  EXPECT_FALSE(InfoJson(report)["recovery_window"]["possible"]);
}

// As every server that was set up as README says.
TEST_F(RepositoryInfoTest, ConfigurationElsewhereIsSaidOnce) {
  Segments(1, 3, 8);
  Backup("one", 3, 1);
  Backup("two", 5, 2);
  for (BackupManifest& backup : backups_.backups) backup.outside = {{"include", "/etc/pg_pitr.conf"}};
  const RepositoryInfo report = Make();
  EXPECT_EQ(report.backups[0].outside_files, "/etc/pg_pitr.conf");
  const std::string text = InfoText(report);
  const size_t at = text.find("/etc/pg_pitr.conf");
  ASSERT_NE(at, std::string::npos) << text;
  EXPECT_EQ(text.find("/etc/pg_pitr.conf", at + 1), std::string::npos) << text;
}

TEST_F(RepositoryInfoTest, GapsAndBackupsThatNeedThem) {
  Segments(1, 3, 6);
  Segments(1, 9, 12);
  Backup("good", 4, 1779440000000000);
  Backup("broken", 6, 1779450000000000);  // needs 6 and 7
  Backup("newest", 10, 1779460000000000);
  backups_.unfinished.push_back({"left", 1779470000000000, "host a, process 7"});
  backups_.damaged.push_back({"hurt", Status(Code::kCorruption, "bits are wrong")});
  const RepositoryInfo report = Make();
  ASSERT_EQ(report.archive.size(), 3U);
  EXPECT_TRUE(report.archive[1].gap);
  EXPECT_EQ(report.archive[1].first_segment, SegmentFileName(Timeline{1}, SegmentNo{7}, kSize));
  EXPECT_EQ(report.archive[1].segments, 2U);
  EXPECT_EQ(report.archive[2].end_lsn.ToString(), "0/D00000");
  ASSERT_EQ(report.backups.size(), 5U);
  EXPECT_EQ(report.backups[0].status, "ok");
  EXPECT_EQ(report.backups[1].status, "wal missing");
  EXPECT_EQ(report.backups[3].status, "unfinished");
  EXPECT_EQ(report.backups[4].status, "damaged");
  EXPECT_EQ(report.window.earliest_backup, "good");
  EXPECT_EQ(report.window.latest_backup, "newest");
  EXPECT_EQ(report.window.latest_segment, SegmentFileName(Timeline{1}, SegmentNo{12}, kSize));
  const std::string text = InfoText(report);
  for (const char* part :
       {"MISSING: recovery cannot cross this gap", "host a, process 7", "bits are wrong", "wal missing", "orders"})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  const auto json = InfoJson(report);
  EXPECT_EQ(json["backups"].size(), 5U);
  EXPECT_EQ(json["timelines"][0]["ranges"].size(), 3U);
  EXPECT_TRUE(json["timelines"][0]["ranges"][1]["gap"]);
  EXPECT_TRUE(json["timelines"][0]["ranges"][1]["crossed"]);
}

TEST_F(RepositoryInfoTest, OnlyWhatTheNextBackupTakesOverIsSaidToBe) {
  Segments(1, 3, 6);
  Backup("full", 4, 1779450000000000);
  const auto begun = [&](const std::string& label, int64_t micros) -> UnfinishedBackup& {
    UnfinishedBackup backup;
    backup.label = label;
    backup.started_micros = micros;
    backup.started_by = "host a, process 7";
    backup.partial_packs = {1};
    return backups_.unfinished.emplace_back(std::move(backup));
  };
  begun("old", 1779440000000000);
  begun("failed", 1779440000000000);
  begun("ended", 1779460000000000).ended = true;
  begun("taken", 1779460000000000);
  backups_.backups[0].packs = {{layout::PackKey("taken", 1), 100}};
  BackupFailure failure;
  failure.label = "failed";
  failure.started_micros = failure.ended_micros = 1779440000000001;
  failure.message = "no space left";
  const std::string removed = "What no backup needs of it goes with the first expiry";
  const RepositoryInfo report = Make({}, {failure});
  const auto says = [&](const std::string& label, std::string_view text) {
    const auto at = std::find_if(report.backups.begin(), report.backups.end(),
                                 [&](const BackupRow& row) { return row.label == label; });
    ASSERT_NE(at, report.backups.end()) << label;
    EXPECT_NE(at->problem.find(text), std::string::npos) << at->problem;
    EXPECT_EQ(at->problem.find(removed) == std::string::npos, label == "ended") << at->problem;
    EXPECT_EQ(at->problem.find("can take over") != std::string::npos, label == "ended") << at->problem;
  };
  says("old",
       "Running, or interrupted; started by host a, process 7. It cannot be restored, nor does a backup resume "
       "it: it is older than the full backup \"full\". ");
  says("failed", "no space left");
  says("ended", "Interrupted; started by host a, process 7. It cannot be restored; ");
  says("taken", "Running, or interrupted; backup \"full\" has taken over packs of it; started by host a, process 7. ");
}

// Retention deleted it, and leftovers of an older timeline remain.
TEST_F(RepositoryInfoTest, WhatNoBackupNeedsIsNotCalledMissing) {
  Segments(1, 3, 4);
  Put("00000002.history", "1\t0/600100\tbefore the accident\n");
  Segments(2, 9, 12);
  Backup("kept", 9, 1779440000000000);
  backups_.backups[0].timeline = backups_.backups[0].stop_timeline = Timeline{2};
  for (const bool alone : {false, true}) {
    if (alone) Backup("alone", 3, 1779430000000000);  // as one that is pinned
    const RepositoryInfo report = Make();
    const std::string text = InfoText(report);
    EXPECT_EQ(text.find("MISSING"), std::string::npos) << text;
    EXPECT_NE(text.find("expired or never stored"), std::string::npos) << text;
    EXPECT_FALSE(InfoJson(report)["timelines"][0]["ranges"][1]["crossed"]);
  }
  backups_.backups[1].stop_lsn = Lsn{5 * kSize + 0x100};
  EXPECT_NE(InfoText(Make()).find("MISSING"), std::string::npos) << "a backup that needs some of it";
}

TEST_F(RepositoryInfoTest, DamagedStaysDamagedUntilItsDataWasReadAgain) {
  Segments(1, 3, 5);
  Backup("hurt", 3, 1779440000000000);
  Backup("on it", 3, 1779440000000001);
  backups_.backups[1].packs = {{layout::PackKey("hurt", 1), 10}};
  std::vector<VerifyRecord> results(3);
  for (uint32_t i = 0; i < 3; ++i) {
    results[i].run = i + 1;
    results[i].ended_micros = 1779500000000000 + i * int64_t{3600000000};
    results[i].backups["hurt"];
  }
  Finding finding;
  finding.object = layout::PackKey("hurt", 1);
  finding.problem = "corrupt";
  finding.labels = {"hurt"};
  results[0].findings = {finding};
  results[1].request.mode = results[2].request.mode = VerifyMode::kQuick;
  RepositoryInfo report = Make(results);
  EXPECT_EQ(report.backups[0].status, "damaged");
  EXPECT_NE(report.backups[0].problem.find("full verification of 2026-05-23 01:33:20+00 found 1 damage"),
            std::string::npos)
      << report.backups[0].problem;
  EXPECT_EQ(report.backups[0].verify_mode, "quick");
  EXPECT_EQ(report.backups[0].verify_result, "good");
  EXPECT_EQ(report.backups[1].status, "damaged") << "nobody looked at it, and it needs what is damaged";
  EXPECT_NE(report.backups[1].problem.find("shares with backup hurt"), std::string::npos) << report.backups[1].problem;
  results[2].request.mode = VerifyMode::kFull;
  report = Make(results);
  EXPECT_EQ(report.backups[0].status, "ok");
  EXPECT_EQ(report.backups[1].status, "ok");
}

// Timeline 1 ends at 5, timeline 2 began in segment 9: what lies between them was written and is nowhere.
TEST_F(RepositoryInfoTest, AGapAcrossASwitchIsAGap) {
  Segments(1, 3, 5);
  Put("00000002.history", "1\t0/900100\tno recovery target specified\n");
  Backup("base", 3, 1779440000000000);
  const std::string missing = DescribeSpan({Timeline{1}, SegmentNo{6}, SegmentNo{8}}, kSize);
  for (const bool archived : {false, true}) {  // the new timeline's first segment may be on its way
    if (archived) Segments(2, 9, 11);
    const RepositoryInfo report = Make();
    ASSERT_EQ(report.gaps.size(), 1U);
    EXPECT_EQ(report.gaps[0].missing, missing);
    EXPECT_TRUE(report.gaps[0].behind_newest);
    EXPECT_NE(report.gaps[0].remedy.find("pg_pitr wal-push"), std::string::npos);
    EXPECT_EQ(report.window.missing_wal, missing);
    EXPECT_EQ(report.window.latest_segment, SegmentFileName(Timeline{1}, SegmentNo{5}, kSize));
    ASSERT_EQ(report.archive.size(), archived ? 3U : 2U);
    EXPECT_TRUE(report.archive[1].gap);
    EXPECT_EQ(report.archive[1].timeline, Timeline{1});
    EXPECT_EQ(report.archive[1].segments, 3U);
    ASSERT_EQ(report.timelines.size(), 2U);
    EXPECT_EQ(report.timelines[0].missing_segments, 0U);
    EXPECT_EQ(report.timelines[1].missing_segments, 3U);
    EXPECT_NE(InfoText(report).find(missing), std::string::npos) << InfoText(report);
  }
  Segments(1, 6, 8);
  const RepositoryInfo closed = Make();
  EXPECT_TRUE(closed.gaps.empty());
  EXPECT_EQ(closed.window.missing_wal, "");
  EXPECT_EQ(closed.window.latest_segment, SegmentFileName(Timeline{2}, SegmentNo{11}, kSize));
}

TEST_F(RepositoryInfoTest, ATimelineOfWhichNothingIsThereIsAGapToo) {
  Segments(1, 3, 5);
  Put("00000003.history", "1\t0/600100\tfirst\n2\t0/800100\tsecond\n");
  Segments(3, 8, 9);
  const RepositoryInfo report = Make();
  ASSERT_EQ(report.timelines.size(), 3U);
  EXPECT_EQ(report.timelines[1].timeline, Timeline{2});
  EXPECT_TRUE(report.timelines[1].history_missing);
  ASSERT_EQ(report.archive.size(), 3U);
  EXPECT_TRUE(report.archive[1].gap);
  EXPECT_EQ(report.archive[1].first_segment, SegmentFileName(Timeline{2}, SegmentNo{6}, kSize));
  EXPECT_EQ(report.archive[1].segments, 2U);
}

TEST_F(RepositoryInfoTest, TheWindowFollowsTheNewestTimeline) {
  Segments(1, 3, 9);
  Put("00000002.history", "1\t0/600100\tbefore the accident\n");
  Segments(2, 6, 7);
  Backup("base", 3, 1779440000000000);
  Backup("after the fork", 7, 1779450000000000);
  const RepositoryInfo report = Make();
  ASSERT_EQ(report.timelines.size(), 2U);
  EXPECT_EQ(report.timelines[1].parent, Timeline{1});
  EXPECT_EQ(report.timelines[1].reason, "before the accident");
  EXPECT_EQ(report.window.latest_timeline, Timeline{2});
  EXPECT_EQ(report.window.latest_backup, "base") << "the other one is on the branch that was left";
  EXPECT_EQ(report.window.latest_segment, SegmentFileName(Timeline{2}, SegmentNo{7}, kSize));
}

TEST_F(RepositoryInfoTest, TheWindowIsThatOfTheRunningServersTimeline) {
  Segments(1, 3, 9);
  Put("00000002.history", "1\t0/600100\ttest copy\n");
  Segments(2, 6, 7);
  Backup("base", 3, 1779440000000000);
  own_ = Timeline{1};
  RepositoryInfo report = Make();
  EXPECT_EQ(report.window.latest_timeline, Timeline{1});
  EXPECT_NE(report.window.timeline_why, "");
  EXPECT_NE(report.timelines[1].note.find("pg_pitr timeline set-aside 2"), std::string::npos)
      << report.timelines[1].note;
  EXPECT_NE(InfoText(report).find("written beside it"), std::string::npos) << InfoText(report);
  ASSERT_TRUE(SetTimelineAside(*repository_, Timeline{2}, {true, "test copy", "a host", 1779450000000000}, ctx_).ok());
  own_ = std::nullopt;
  report = Make();
  EXPECT_EQ(report.window.latest_timeline, Timeline{1}) << "the other was set aside";
  EXPECT_TRUE(report.timelines[1].set_aside);
  EXPECT_NE(InfoText(report).find("Set aside on 2026-05-22"), std::string::npos) << InfoText(report);
}

// As of an old primary whose successor has not archived anything yet.
TEST_F(RepositoryInfoTest, TheOnlyTimelineCanBeSetAsideToo) {
  Segments(1, 3, 9);
  Backup("base", 3, 1779440000000000);
  ASSERT_TRUE(SetTimelineAside(*repository_, Timeline{1}, {true, "failover", "a host", 1779450000000000}, ctx_).ok());
  RepositoryInfo report = Make();
  EXPECT_FALSE(report.window.possible);
  EXPECT_TRUE(report.timelines[0].set_aside);
  EXPECT_FALSE(report.timelines[0].endangers) << "nobody writes it, as far as is known";
  own_ = Timeline{1};
  report = Make();
  EXPECT_TRUE(report.window.possible);
  EXPECT_TRUE(report.timelines[0].endangers);
  EXPECT_NE(report.timelines[0].note.find("this server writes it, and it was set aside on 2026-05-22"),
            std::string::npos)
      << report.timelines[0].note;
}

}  // namespace
}  // namespace pitr
