// pitr_info(), pitr_archive(), pitr_timelines() and pitr_recovery_window(): what the repository holds, by listing it.
#include "core/base/json.h"
#include "core/survey/repository_info.h"
#include "server/on_repository.h"
#include "server/ready_files.h"
#include "server/rows.h"
#include "server/server_state.h"

namespace pitr::server {
namespace {

// Reads the repository in a thread; `read_last_commit` costs a few segments.
Result<RepositoryInfo> LoadInfo(bool read_last_commit) {
  return OnRepository<RepositoryInfo>(InfoOptions{.read_last_commit = read_last_commit,
                                                  .own_timeline = OwnTimeline(),
                                                  .own_started_micros = WriterStartMicros(),
                                                  .data_directory = kDataDirectory},
                                      [](const Repository& repository, InfoOptions& options, const OpContext& ctx) {
                                        return LoadRepositoryInfo(repository, options, ctx);
                                      });
}

Cell TimelineOrNull(Timeline timeline) { return timeline.valid() ? Cell(std::to_string(timeline.value)) : Cell(); }

Cell DurationOrNull(int64_t start_micros, int64_t stop_micros) {
  if (start_micros == 0 || stop_micros < start_micros) return std::nullopt;
  return std::to_string(stop_micros - start_micros) + " microseconds";
}

Row BackupCells(const BackupRow& backup) {
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
          exists ? NumberCell(backup.page_errors) : Cell(),
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
  PITR_ASSIGN(const RepositoryInfo info, LoadInfo(false));
  std::vector<Row> rows;
  for (const BackupRow& backup : info.backups) rows.push_back(BackupCells(backup));
  ReturnRows(fcinfo, rows);
  return Status::Ok();
}

PITR_FUNCTION(pitr_archive) {
  PITR_ASSIGN(const RepositoryInfo info, LoadInfo(false));
  std::vector<Row> rows;
  for (const ArchiveRow& run : info.archive) {
    rows.push_back({TimelineOrNull(run.timeline), BoolCell(run.gap), TextOrNull(run.first_segment),
                    TextOrNull(run.last_segment), Cell(run.first_lsn.ToString()), Cell(run.end_lsn.ToString()),
                    NumberCell(run.segments), run.gap ? Cell() : NumberCell(run.stored_bytes)});
  }
  ReturnRows(fcinfo, rows);
  return Status::Ok();
}

PITR_FUNCTION(pitr_timelines) {
  PITR_ASSIGN(const RepositoryInfo info, LoadInfo(false));
  std::vector<Row> rows;
  for (const TimelineRow& row : info.timelines) {
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
  PITR_ASSIGN(const RepositoryInfo info, LoadInfo(true));
  const RecoveryWindow& window = info.window;
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
