#include "core/report/info_report.h"

#include <nlohmann/json.hpp>

#include "core/base/describe_size.h"
#include "core/base/json_page.h"
#include "core/pg/timestamp.h"
#include "core/report/json_values.h"
#include "core/report/verify_report.h"

namespace pitr {
namespace {

std::string Time(int64_t micros) { return micros == 0 ? "-" : FormatToSecond(micros); }

std::string HeadText(const RepositoryInfo& report, size_t width) {
  const RepositoryMarker& marker = report.marker;
  std::vector<std::pair<std::string, std::string>> items = {
      {"repository", report.repository},
      {"cluster", (marker.cluster_name.empty() ? "" : marker.cluster_name + ", ") + "PostgreSQL " +
                      std::to_string(marker.cluster.pg_major) + ", system identifier " +
                      std::to_string(marker.cluster.system_id.value)},
      {"WAL segments", DescribeBytes(marker.cluster.segment_size_bytes)},
      {"encryption", marker.encrypted ? "AES-256-GCM" : "none"},
  };
  return AlignItems(items, 0, width);
}

// A time that is given as a target must not be before what it stands for.
int64_t NextSecond(int64_t micros) { return (micros + 999999) / 1000000 * 1000000; }

std::string WindowText(const RepositoryInfo& report, size_t width) {
  const RecoveryWindow& window = report.window;
  if (!window.possible)
    return "\nrecovery window: none. " + window.problem + "\n" + (window.remedy.empty() ? "" : window.remedy + "\n");
  std::string latest = "end of archive";
  if (window.latest_commit_micros != 0) latest = "commit at " + DescribeTimestamp(window.latest_commit_micros);
  for (const TimelineRow& row : report.timelines)
    if (window.latest_commit_micros == 0 && row.timeline == window.latest_timeline && row.newest_micros != 0)
      latest += ", stored " + DescribeToSecond(row.newest_micros);
  std::vector<std::pair<std::string, std::string>> items = {
      {"earliest", DescribeToSecond(NextSecond(window.earliest_micros)) + "  (" + window.earliest_lsn.ToString() +
                       ", end of backup " + window.earliest_backup + ")"},
      {"latest", latest + "  (" + window.latest_lsn.ToString() + ", end of segment " + window.latest_segment + ")"},
  };
  if (!window.missing_wal.empty())
    items.emplace_back("WAL missing", window.missing_wal + ": recovery ends before this gap");
  return "\nrecovery window (timeline " + std::to_string(window.latest_timeline.value) +
         (window.timeline_why.empty() ? "" : ": " + window.timeline_why) + ")\n" + AlignItems(items, 2, width);
}

// Every backup of a server that keeps its settings elsewhere has the same to say.
std::string OutsideText(const RepositoryInfo& report) {
  for (auto row = report.backups.rbegin(); row != report.backups.rend(); ++row)
    if (!row->outside_files.empty())
      return "\nconfiguration that the server keeps outside of its data directory, and backups do not hold: " +
             row->outside_files + "\n";
  return "";
}

// What a person chooses a backup by, for a screen that has no room for more.
const std::vector<size_t> kBackupColumns = {0, 1, 3, 7, 8, 10};

std::string BackupsText(const RepositoryInfo& report, size_t width) {
  if (report.backups.empty()) return "\nbackups: none\n";
  TableRows rows = {
      {"label", "type", "start", "stop", "TLI", "WAL start", "WAL stop", "database", "stored", "verified", "status"}};
  std::string problems;
  for (const BackupRow& row : report.backups) {
    const bool read = row.start_lsn.valid();
    rows.push_back(
        {row.label.empty() ? "-" : row.label, row.type.empty() ? "-" : row.type, Time(row.start_micros),
         Time(row.stop_micros), row.timeline.valid() ? std::to_string(row.timeline.value) : "-",
         read ? row.start_lsn.ToString() : "-", read ? row.stop_lsn.ToString() : "-",
         read ? DescribeBytes(row.database_bytes) : "-", read ? DescribeBytes(row.stored_bytes) : "-",
         row.verified_micros == 0 ? "-" : Time(row.verified_micros) + ", " + row.verify_mode + ": " + row.verify_result,
         row.status});
    if (!row.parent_label.empty())
      problems += "  " + row.label + ": builds on " + row.parent_label +
                  (row.change_source.empty() ? "" : ", changes found by " + row.change_source) + "\n";
    // One that got no label is told by its time.
    if (!row.problem.empty())
      problems +=
          "  " + (row.label.empty() ? "the one of " + Time(row.start_micros) : row.label) + ": " + row.problem + "\n";
    if (row.pinned)
      problems += "  " + row.label + ": pinned" +
                  (row.pinned_until_micros == 0 ? "" : " until " + Time(row.pinned_until_micros)) +
                  (row.pin_reason.empty() ? "" : ": " + row.pin_reason) + "\n";
    if (row.held_until_micros != 0)
      problems +=
          "  " + row.label + ": held for a restore until " + Time(row.held_until_micros) + ": " + row.held_by + "\n";
    if (!row.not_stored.empty()) problems += "  " + row.label + ": not in the backup: " + row.not_stored + "\n";
    if (!row.followed_links.empty())
      problems += "  " + row.label + ": links of which it holds what they lead to: " + row.followed_links + "\n";
    for (const auto& [name, value] : row.annotations) problems += "  " + row.label + ": " + name + " = " + value + "\n";
  }
  return "\nbackups\n" + FitTable(rows, kBackupColumns, 2, width) + (problems.empty() ? "" : "\n" + problems) +
         OutsideText(report);
}

std::string VerifiedText(const RepositoryInfo& report) {
  const VerifyRecord* newest = NewestResult(report.verifications, "");
  if (newest == nullptr) return "\nverified: never\n";
  std::string text = "\nverified " + Time(newest->ended_micros) + ": " + DescribeVerify(*newest) + "\n";
  if (newest->request.mode == VerifyMode::kFull && newest->request.scope == VerifyScope::kAll) return text;
  for (auto full = report.verifications.rbegin(); full != report.verifications.rend(); ++full) {
    if (full->request.mode == VerifyMode::kFull && full->request.scope == VerifyScope::kAll)
      return text + "last in full " + Time(full->ended_micros) + ": " + DescribeVerify(*full) + "\n";
  }
  return text + "never verified in full\n";
}

std::string ArchiveText(const RepositoryInfo& report) {
  std::string text;
  for (const TimelineRow& timeline : report.timelines) {
    text += "\nWAL archive, timeline " + std::to_string(timeline.timeline.value);
    if (timeline.parent.valid())
      text += ", left timeline " + std::to_string(timeline.parent.value) + " at " + timeline.switch_lsn.ToString() +
              (timeline.reason.empty() ? "" : " (" + timeline.reason + ")");
    if (timeline.newest_micros != 0) text += ", newest stored " + Time(timeline.newest_micros);
    text += "\n";
    if (timeline.last_commit_micros != 0 && report.timelines.size() > 1)
      text += "  last commit " + FormatTimestamp(timeline.last_commit_micros) +
              (timeline.began_micros == 0 ? "" : ", opened " + Time(timeline.began_micros)) + "\n";
    if (!timeline.note.empty()) text += "  " + timeline.note + "\n";
    if (timeline.history_missing)
      text += std::string("  its history file is missing: ") +
              (timeline.followed ? "recoveries from backups of this timeline do without"
                                 : "recovery cannot follow this timeline") +
              "\n";
    for (const ArchiveRow& row : report.archive) {
      if (row.timeline != timeline.timeline) continue;
      const std::string count = DescribeCount(row.segments, "segment", "segments");
      text += "  " + row.first_segment + " .. " + row.last_segment + "  " + count +
              (row.crossed ? " MISSING: recovery cannot cross this gap"
               : row.gap   ? " expired or never stored: the backups behind do not need them"
                           : ", " + DescribeBytes(row.stored_bytes)) +
              "\n";
    }
    for (const std::string& partial : timeline.partials) text += "  " + partial + "\n";
  }
  return text.empty() ? "\nWAL archive: empty\n" : text;
}

OrderedJson BackupJson(const BackupRow& row) {
  return {{"label", row.label},
          {"type", JsonOrNull(row.type)},
          {"status", row.status},
          {"problem", JsonOrNull(row.problem)},
          {"parent", JsonOrNull(row.parent_label)},
          {"change_source", JsonOrNull(row.change_source)},
          {"change_reason", JsonOrNull(row.change_reason)},
          {"server_version", row.server_version},
          {"start", JsonTime(row.start_micros)},
          {"stop", JsonTime(row.stop_micros)},
          {"timeline", JsonTimeline(row.timeline)},
          {"start_lsn", JsonLsn(row.start_lsn)},
          {"stop_lsn", JsonLsn(row.stop_lsn)},
          {"first_segment", row.first_segment},
          {"last_segment", row.last_segment},
          {"database_bytes", row.database_bytes},
          {"stored_bytes", row.stored_bytes},
          {"files", row.file_count},
          {"encrypted", row.encrypted},
          {"data_checksums", row.data_checksums},
          {"annotations", row.annotations},
          {"not_stored", JsonOrNull(row.not_stored)},
          {"followed_links", JsonOrNull(row.followed_links)},
          {"outside_files", JsonOrNull(row.outside_files)},
          {"pinned", row.pinned},
          {"pinned_until", JsonTime(row.pinned_until_micros)},
          {"pin_reason", row.pinned ? OrderedJson(row.pin_reason) : OrderedJson(nullptr)},
          {"held_until", JsonTime(row.held_until_micros)},
          {"held_by", row.held_until_micros == 0 ? OrderedJson(nullptr) : OrderedJson(row.held_by)},
          {"verified", JsonTime(row.verified_micros)},
          {"verify_mode", JsonOrNull(row.verify_mode)},
          {"verify_result", JsonOrNull(row.verify_result)},
          {"sqlstate", JsonOrNull(row.sqlstate)},
          {"requested_by", JsonOrNull(row.requested_by)}};
}

OrderedJson VerificationJson(const VerifyRecord& record) {
  OrderedJson labels = OrderedJson::array();
  for (const auto& [label, coverage] : record.backups) labels.push_back(label);
  return {{"run", record.run},
          {"begun", JsonTime(record.started_micros)},
          {"ended", JsonTime(record.ended_micros)},
          {"result", VerifyOutcomeName(OutcomeOf(record.counts))},
          {"mode", VerifyModeName(record.request.mode)},
          {"scope", VerifyScopeName(record.request.scope)},
          {"sample_percent", record.request.mode == VerifyMode::kSample ? OrderedJson(record.request.sample_percent)
                                                                        : OrderedJson(nullptr)},
          {"backups", labels},
          {"damage", record.counts.damage},
          {"unchecked", record.counts.unchecked},
          {"warnings", record.counts.warnings}};
}

OrderedJson TimelineJson(const RepositoryInfo& report, const TimelineRow& timeline) {
  OrderedJson ranges = OrderedJson::array();
  for (const ArchiveRow& row : report.archive) {
    if (row.timeline != timeline.timeline) continue;
    ranges.push_back({{"gap", row.gap},
                      {"crossed", row.crossed},
                      {"first_segment", row.first_segment},
                      {"last_segment", row.last_segment},
                      {"first_lsn", row.first_lsn.ToString()},
                      {"end_lsn", row.end_lsn.ToString()},
                      {"segments", row.segments},
                      {"stored_bytes", row.stored_bytes}});
  }
  return {{"timeline", timeline.timeline.value},
          {"parent", JsonTimeline(timeline.parent)},
          {"switch_lsn", JsonLsn(timeline.switch_lsn)},
          {"reason", timeline.reason},
          {"history_missing", timeline.history_missing},
          {"newest_stored", JsonTime(timeline.newest_micros)},
          {"began", JsonTime(timeline.began_micros)},
          {"last_commit_time", JsonTime(timeline.last_commit_micros)},
          {"set_aside", timeline.set_aside},
          {"note", JsonOrNull(timeline.note)},
          {"missing_segments", timeline.missing_segments},
          {"partials", timeline.partials},
          {"ranges", ranges}};
}

}  // namespace

std::string InfoText(const RepositoryInfo& report, size_t width) {
  return HeadText(report, width) + WindowText(report, width) + BackupsText(report, width) + VerifiedText(report) +
         ArchiveText(report);
}

OrderedJson InfoJson(const RepositoryInfo& report) {
  const RepositoryMarker& marker = report.marker;
  const RecoveryWindow& window = report.window;
  OrderedJson json = {{"repository", report.repository},
                      {"repository_id", marker.repository_id},
                      {"cluster_name", marker.cluster_name},
                      {"system_identifier", std::to_string(marker.cluster.system_id.value)},
                      {"postgresql_major", marker.cluster.pg_major},
                      {"wal_segment_bytes", marker.cluster.segment_size_bytes},
                      {"encrypted", marker.encrypted},
                      {"created", JsonTime(marker.created_micros)}};
  json["recovery_window"] = {{"possible", window.possible},
                             {"problem", JsonOrNull(window.problem)},
                             {"earliest_backup", window.earliest_backup},
                             {"earliest_time", JsonTime(window.earliest_micros)},
                             {"earliest_lsn", JsonLsn(window.earliest_lsn)},
                             {"latest_backup", window.latest_backup},
                             {"latest_timeline", JsonTimeline(window.latest_timeline)},
                             {"timeline_why", JsonOrNull(window.timeline_why)},
                             {"latest_segment", window.latest_segment},
                             {"latest_lsn", JsonLsn(window.latest_lsn)},
                             {"latest_commit_time", JsonTime(window.latest_commit_micros)},
                             {"missing_wal", JsonOrNull(window.missing_wal)}};
  json["gaps"] = OrderedJson::array();
  for (const GapRow& gap : report.gaps)
    json["gaps"].push_back({{"missing", gap.missing},
                            {"from_lsn", gap.from_lsn.ToString()},
                            {"behind_newest_backup", gap.behind_newest},
                            {"expiring", gap.expiring},
                            {"remedy", gap.remedy}});
  json["backups"] = OrderedJson::array();
  for (const BackupRow& row : report.backups) json["backups"].push_back(BackupJson(row));
  json["verifications"] = OrderedJson::array();
  for (const VerifyRecord& result : report.verifications) json["verifications"].push_back(VerificationJson(result));
  json["timelines"] = OrderedJson::array();
  for (const TimelineRow& timeline : report.timelines) json["timelines"].push_back(TimelineJson(report, timeline));
  return json;
}

}  // namespace pitr
