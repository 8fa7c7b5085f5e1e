// Every page fits 80 columns, whatever it has to show; all that there is is there when there is room.
// Starts no thread.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "core/base/text_page.h"
#include "core/pg/wal_name.h"
#include "core/report/check_report.h"
#include "core/report/expire_report.h"
#include "core/report/info_report.h"
#include "core/report/plan_report.h"
#include "core/report/restore_report.h"
#include "core/report/verify_report.h"
#include "core/survey/repository_check.h"

namespace pitr {
namespace {

constexpr int64_t kNoon = 1779451200000000;
constexpr int64_t kHour = 3600000000;
const std::string kLongLabel = "the-nightly-backup-before-the-great-migration-of-2026-05-22.v2";

// The page as it is printed. A single word may be longer than a line: nobody breaks a path.
std::string MustFit(const std::string& text) {
  std::string page = WrapPage(text, kUsualWidth);
  std::istringstream lines(page);
  for (std::string line; std::getline(lines, line);) {
    const size_t begin = line.find_first_not_of(' ');
    if (begin == std::string::npos || line.find(' ', begin) == std::string::npos) continue;
    EXPECT_LE(line.size(), kUsualWidth) << line;
  }
  return page;
}

std::string Words(const std::string& text) {
  std::string words, word;
  std::istringstream in(text);
  while (in >> word)
    if (word != "\\" && word.find_first_not_of('-') != std::string::npos) words += word + " ";
  return words;
}

BackupRow Backup(const std::string& label, int64_t micros) {
  BackupRow row;
  row.label = label;
  row.type = "incr";
  row.status = "wal missing";
  row.parent_label = "20260521-090014F";
  row.change_source = "WAL summaries";
  row.problem = "The segments 000000020000000000000041 to 000000020000000000000049 that it needs are missing.";
  row.start_micros = micros - kHour;
  row.stop_micros = micros;
  row.timeline = Timeline{2};
  row.start_lsn = Lsn{0x1F00000028};
  row.stop_lsn = Lsn{0x1F40000100};
  row.database_bytes = uint64_t{1023} << 30;
  row.stored_bytes = uint64_t{1022} << 20;
  row.pinned = true;
  row.pin_reason = "asked for by the auditors, who will look at it in the first week of September";
  row.verified_micros = micros + kHour;
  row.verify_mode = "sample";
  row.verify_result = "good";
  row.annotations = {{"ticket", "OPS-4711: before the tables of the old shop are dropped for good"}};
  row.outside_files = "/etc/postgresql/17/main/postgresql.conf, /etc/postgresql/17/main/pg_hba.conf, /etc/pg_pitr.conf";
  return row;
}

RepositoryInfo Info() {
  RepositoryInfo report;
  report.repository = "s3://a-bucket-with-a-long-name-in-frankfurt/production/orders";
  report.marker.cluster_name = "orders";
  report.marker.cluster = {SystemId{7389123456789012345}, 16U << 20, 17};
  report.backups = {Backup("20260522-090014I", kNoon), Backup(kLongLabel, kNoon + kHour)};
  for (uint32_t timeline = 1; timeline <= 3; ++timeline) {
    TimelineRow row;
    row.timeline = Timeline{timeline};
    if (timeline > 1) row.parent = Timeline{timeline - 1};
    row.switch_lsn = Lsn{0x1F40000100};
    row.reason = "before 2026-05-22 14:29:00.123456+02";
    row.newest_micros = row.last_commit_micros = row.began_micros = kNoon;
    row.note = "It was set aside on 2026-05-22 by host db1.example.org, process 4711: a test copy that archived.";
    row.partials = {"00000002000000000000004A, unfinished, up to 0/4A000123"};
    report.timelines.push_back(row);
    for (const bool gap : {false, true})
      report.archive.push_back({row.timeline, gap, gap, "00000002000000000000000A", "0000000200000000000000FF", Lsn{1},
                                Lsn{2}, 123456, uint64_t{1200} << 30});
  }
  RecoveryWindow& window = report.window;
  window.possible = true;
  window.earliest_backup = kLongLabel;
  window.earliest_micros = kNoon;
  window.latest_timeline = Timeline{2};
  window.timeline_why = "the other one that goes on, timeline 3, was set aside";
  window.latest_segment = "0000000200000000000000FF";
  window.latest_commit_micros = kNoon + kHour;
  window.missing_wal = "000000020000000000000003 to 000000020000000000000007 (5 segments)";
  return report;
}

TEST(PageWidthTest, Info) {
  const std::string page = MustFit(InfoText(Info(), kUsualWidth));
  for (const char* shown : {"20260522-090014I", "2026-05-22 12:00:00+00", "1023.0 GB", "incr", "ticket", "OPS-4711"})
    EXPECT_NE(page.find(shown), std::string::npos) << shown << "\n" << page;
  EXPECT_EQ(page.find("WAL start"), std::string::npos) << "not all columns fit\n" << page;
  EXPECT_NE(InfoText(Info()).find("WAL start"), std::string::npos) << "--wide has them";
  EXPECT_EQ(InfoText(Info(), 400), InfoText(Info())) << "and so has a screen with room for them";
}

TEST(PageWidthTest, Check) {
  const std::vector<CheckRow> rows = {
      {"settings file", CheckState::kOk, "every pg_pitr setting of it exists and is allowed: /etc/pg_pitr.conf", ""},
      {"store: create, never replace", CheckState::kWarning,
       "of 8 creations of one object at the same moment more than one was told that it had made it",
       "Give every server that archives a repository of its own."},
      {kPlanItem, CheckState::kFailed, "backup \"" + kLongLabel + "\" needs WAL that is missing", "Take a backup."}};
  const std::string whole = CheckText(rows), page = MustFit(CheckText(rows, kUsualWidth));
  EXPECT_EQ(Words(page), Words(whole));
}

TEST(PageWidthTest, Expire) {
  ExpireReport report;
  report.rows = {
      {ExpireAction::kKeep, "backup", kLongLabel, 120, uint64_t{1023} << 30, "one of the newest 7 full backups"},
      {ExpireAction::kDelete, "unfinished backup", "20260520-090014F", 12, 1U << 30,
       "nothing was written to it for a day, and no process seems to work at it any more"},
      {ExpireAction::kDelete, "wal", "000000020000000000000003 to 000000020000000000000007", 5, 80U << 20,
       "before the first segment that a kept backup needs"}};
  const std::string page = MustFit(ExpireText(report, true, 1500, kUsualWidth));
  for (const char* shown : {"keep", "unfinished backup 20260520-090014F", "12 objects, 1.0 GB", "no process seems"})
    EXPECT_NE(page.find(shown), std::string::npos) << shown << "\n" << page;
  EXPECT_NE(ExpireText(report, true, 1500).find("action  what"), std::string::npos) << "--wide is a table";
}

TEST(PageWidthTest, Verify) {
  VerifyReport report;
  report.repository = Info().repository;
  report.millis = 72000;
  report.bytes_read = uint64_t{12} << 30;
  report.notes = {
      "Continued the verification that was begun at 2026-05-22 09:00:14+00, and what was read then counts."};
  report.record.started_micros = kNoon;
  report.record.ended_micros = kNoon + kHour;
  report.record.backups = {{"20260522-090014F", {120, 120, uint64_t{12} << 30, uint64_t{12} << 30}}, {kLongLabel, {}}};
  Finding finding;
  finding.object = "backup/20260522-090014F/pack.00000001";
  finding.problem = "checksum";
  finding.begin = 123456789;
  finding.end = 133456789;
  finding.detail = "What is stored between these bytes is not what was written: its checksum is another one.";
  finding.files = {"base/16384/16385", "base/16384/16386", "base/16384/16387", "base/16384/16388.1"};
  finding.file_count = 200;
  finding.labels = {"20260522-090014F", kLongLabel};
  finding.hurts = "These files cannot be restored, and so neither can the backups.";
  finding.hint = "Put the object back from a copy of the repository, or take a new full backup.";
  report.record.findings = {finding};
  report.record.counts = CountFindings(report.record.findings);
  const std::string whole = VerifyText(report), page = MustFit(VerifyText(report, kUsualWidth));
  EXPECT_EQ(Words(page), Words(whole));
  EXPECT_NE(whole.find("1 min 12 s, 12.0 GB read at 170.7 MB/s"), std::string::npos) << whole;
}

RestorePlan Plan() {
  RestorePlan plan;
  plan.target.kind = TargetKind::kTime;
  plan.target.time_micros = kNoon;
  plan.backup.label = kLongLabel;
  plan.backup.cluster = Info().marker.cluster;
  plan.backup.stop_micros = kNoon - kHour;
  plan.backup.tablespaces = {{16400, "/srv/postgresql/fast-disks/orders-history", false}};
  plan.target_timeline = Timeline{2};
  plan.timeline_why = "it is the one that went on at that moment; timeline 3 began later, at 2026-05-22 13:00:00+00";
  plan.stop = {true, Lsn{0x4A000123}, {}, false, "commit", 12345678, kNoon, "", 12345677, kNoon - 1, {}};
  plan.wal = {{Timeline{2}, SegmentNo{3}, SegmentNo{200}}};
  plan.wal_segments = 198;
  plan.estimated_seconds = 4000;
  plan.notes = {
      "What was committed later is not there: the next transaction is 12345679, committed 2026-05-22 12:00:01+00"};
  return plan;
}

TEST(PageWidthTest, PlanAndRestore) {
  const std::string config = "/etc/postgresql/17/main/pg_pitr.production.conf";
  const std::string whole = AlignItems(DescribePlan(Plan(), config), 0),
                    page = MustFit(AlignItems(DescribePlan(Plan(), config), 0, kUsualWidth));
  EXPECT_EQ(Words(page), Words(whole));
  EXPECT_NE(page.find("command\n    pg_pitr restore"), std::string::npos) << "one of its words is too long\n" << page;
  EXPECT_NE(page.find(" \\\n"), std::string::npos) << "the command can be pasted\n" << page;
  RestoreResult result;
  result.files = 123456;
  result.bytes_written = uint64_t{20} << 30;
  result.notes = {
      "The WAL of \"/srv/data/pg_wal\" was set aside: it has transactions that the repository does not have."};
  MustFit(DescribeRestore(result, "/var/lib/postgresql/17/main", 100000));
  EXPECT_NE(DescribeRestore(result, "/d", 100000).find("(204.8 MB/s)"), std::string::npos);
}

TEST(PlanReportTest, TablespacesAreShownWhereTheyWillBe) {
  RestorePlan plan = Plan();
  plan.backup.tablespaces.push_back({16401, "/srv/slow", false});
  plan.replay.tablespaces = {{20000, "/srv/made", Lsn{0x4A000000}}, {20001, "", Lsn{0x4A000000}}};
  const TablespaceMap map = {{"/srv/slow", "/mnt/slow/"}, {"20000", "/mnt/it's"}};
  const std::string text = AlignItems(DescribePlan(plan, "/c", map), 0);
  EXPECT_NE(text.find("16400 in /srv/postgresql/fast-disks/orders-history as the backup records it"),
            std::string::npos);
  EXPECT_NE(text.find("16401 into /mnt/slow, by --tablespace; the backup records it in /srv/slow\n"), std::string::npos)
      << text;
  EXPECT_NE(text.find("20000 in /mnt/it's, by --tablespace, made at 0/4A000000"), std::string::npos) << text;
  EXPECT_NE(
      text.find("--backup " + plan.backup.label + " --tablespace '/srv/slow=/mnt/slow/' --tablespace '20000=/mnt/"),
      std::string::npos)
      << text;
  const auto json = PlanJson(plan, "/c", map);
  EXPECT_EQ(json["tablespaces"][0]["directory"], json["tablespaces"][0]["path"]);
  EXPECT_EQ(json["tablespaces"][1]["path"], "/srv/slow");
  EXPECT_EQ(json["tablespaces"][1]["directory"], "/mnt/slow");
  EXPECT_EQ(json["new_tablespaces"][0]["directory"], "/mnt/it's");
  EXPECT_EQ(json["new_tablespaces"][1]["directory"], "");
}

}  // namespace
}  // namespace pitr
