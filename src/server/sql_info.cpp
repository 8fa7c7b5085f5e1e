// pitr_info(), pitr_archive(), pitr_timelines() and pitr_recovery_window(): what the repository holds, by listing it.
#include "core/base/json.h"
#include "core/report/info_report.h"
#include "server/on_repository.h"
#include "server/ready_files.h"
#include "server/rows.h"
#include "server/server_state.h"

namespace pitr::server {
namespace {

struct Report {
  InfoReport info;
  std::map<std::string, uint64_t> page_errors;  // by label
};

// Reads the repository in a thread; `read_last_commit` costs a few segments.
Result<Report> LoadReport(bool read_last_commit) {
  struct Wanted {
    InfoOptions options;
    bool read_last_commit;
  };
  const auto load = [](const Repository& repository, Wanted& wanted, const OpContext& ctx) -> Result<Report> {
    Report report;
    const InfoOptions& options = wanted.options;
    if (wanted.read_last_commit) {
      PITR_ASSIGN(report.info, LoadInfoReport(repository, options, ctx));
      return report;
    }
    PITR_ASSIGN(auto backups, BackupCatalog::Load(repository, ctx));
    PITR_ASSIGN(auto wal, WalCatalog::LoadFor(repository, backups.backups, ctx));
    wal.AddHistories(backups.backups);
    PITR_ASSIGN(const BranchTree branches, BranchTree::Load(repository, backups, wal, ctx));
    PITR_ASSIGN(VerifyRecords verified, LoadVerifyRecords(repository, ctx));
    PITR_ASSIGN(std::vector<BackupFailure> failures, LoadBackupFailures(repository, ctx));
    PITR_ASSIGN(const std::vector<BackupFailure> kept, KeptBackupFailures(kDataDirectory));
    failures.insert(failures.end(), kept.begin(), kept.end());
    report.info = MakeInfoReport(repository, backups, wal, branches, options, std::move(verified.results), failures);
    PITR_TRY(ReportProofs(repository, failures, options, report.info.backups, ctx));
    for (const BackupManifest& backup : backups.backups) report.page_errors[backup.label] = backup.page_errors.size();
    return report;
  };
  return OnRepository<Report>(
      Wanted{InfoOptions{.own_timeline = OwnTimeline(), .own_started_micros = WriterStartMicros()}, read_last_commit},
      load);
}

Cell TimelineOrNull(Timeline timeline) { return timeline.valid() ? Cell(std::to_string(timeline.value)) : Cell(); }

Cell DurationOrNull(int64_t start_micros, int64_t stop_micros) {
  if (start_micros == 0 || stop_micros < start_micros) return std::nullopt;
  return std::to_string(stop_micros - start_micros) + " microseconds";
}

Row BackupCells(const BackupRow& backup, uint64_t page_errors) {
  const bool exists = backup.stop_lsn.valid();
  return {TextOrNull(backup.label),
          TextOrNull(backup.type),
          TextOrNull(backup.status),
          TextOrNull(backup.problem),
          TimestampOrNull(backup.start_micros),
          TimestampOrNull(backup.stop_micros),
          DurationOrNull(backup.start_micros, backup.stop_micros),
          TimelineOrNull(backup.timeline),
          LsnOrNull(backup.start_lsn),
          LsnOrNull(backup.stop_lsn),
          TextOrNull(backup.first_segment),
          TextOrNull(backup.last_segment),
          exists ? NumberCell(backup.database_bytes) : Cell(),
          exists ? NumberCell(backup.stored_bytes) : Cell(),
          exists ? NumberCell(backup.file_count) : Cell(),
          exists ? BoolCell(backup.encrypted) : Cell(),
          exists ? BoolCell(backup.data_checksums) : Cell(),
          exists ? NumberCell(page_errors) : Cell(),
          TextOrNull(backup.parent_label),
          TextOrNull(backup.server_version),
          TextOrNull(backup.change_source),
          TextOrNull(backup.change_reason),
          JsonText(Json(backup.annotations.empty() ? Json::object() : Json(backup.annotations))),
          exists ? BoolCell(backup.pinned) : Cell(),
          TimestampOrNull(backup.pinned_until_micros),
          TextOrNull(backup.pin_reason),
          TimestampOrNull(backup.held_until_micros),
          TextOrNull(backup.held_by),
          TimestampOrNull(backup.verified_micros),
          TextOrNull(backup.verify_mode),
          TextOrNull(backup.verify_result),
          TextOrNull(backup.not_stored),
          TextOrNull(backup.followed_links),
          TextOrNull(backup.outside_files),
          TextOrNull(backup.sqlstate),
          TextOrNull(backup.requested_by)};
}

}  // namespace

PITR_FUNCTION(pitr_info) {
  PITR_ASSIGN(const Report report, LoadReport(false));
  std::vector<Row> rows;
  for (const BackupRow& backup : report.info.backups) {
    const auto errors = report.page_errors.find(backup.label);
    rows.push_back(BackupCells(backup, errors == report.page_errors.end() ? 0 : errors->second));
  }
  ReturnRows(fcinfo, rows);
  return Status::Ok();
}

PITR_FUNCTION(pitr_archive) {
  PITR_ASSIGN(const Report report, LoadReport(false));
  std::vector<Row> rows;
  for (const ArchiveRow& run : report.info.archive) {
    rows.push_back({TimelineOrNull(run.timeline), BoolCell(run.gap), TextOrNull(run.first_segment),
                    TextOrNull(run.last_segment), Cell(run.first_lsn.ToString()), Cell(run.end_lsn.ToString()),
                    NumberCell(run.segments), run.gap ? Cell() : NumberCell(run.stored_bytes)});
  }
  ReturnRows(fcinfo, rows);
  return Status::Ok();
}

PITR_FUNCTION(pitr_timelines) {
  PITR_ASSIGN(const Report report, LoadReport(false));
  std::vector<Row> rows;
  for (const TimelineRow& row : report.info.timelines) {
    rows.push_back({TimelineOrNull(row.timeline), TimelineOrNull(row.parent), LsnOrNull(row.switch_lsn),
                    TextOrNull(row.reason), BoolCell(row.history_missing), NumberCell(row.partials.size()),
                    TimestampOrNull(row.newest_micros), NumberCell(row.missing_segments),
                    TimestampOrNull(row.began_micros), TimestampOrNull(row.last_commit_micros), BoolCell(row.set_aside),
                    TextOrNull(row.note)});
  }
  ReturnRows(fcinfo, rows);
  return Status::Ok();
}

PITR_FUNCTION(pitr_recovery_window) {
  PITR_ASSIGN(const Report report, LoadReport(true));
  const RecoveryWindow& window = report.info.window;
  ReturnRows(
      fcinfo,
      {{BoolCell(window.possible),
        TextOrNull(window.remedy.empty() ? window.problem : window.problem + " " + window.remedy),
        TimestampOrNull(window.earliest_micros), LsnOrNull(window.earliest_lsn), TextOrNull(window.earliest_backup),
        TimestampOrNull(window.latest_commit_micros), LsnOrNull(window.latest_lsn), TextOrNull(window.latest_segment),
        TimelineOrNull(window.latest_timeline), TextOrNull(window.latest_backup), TextOrNull(window.missing_wal)}});
  return Status::Ok();
}

}  // namespace pitr::server
