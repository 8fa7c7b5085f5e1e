#include "core/repo/wal/history_conflict.h"

#include "core/repo/wal/history_source.h"

namespace pitr {

std::string DescribeFork(const TimelineHistory& history) {
  const auto entries = history.entries();
  if (entries.size() < 2) return "has no parent";
  const TimelineEntry& parent = entries[entries.size() - 2];
  return "leaves timeline " + std::to_string(parent.timeline.value) + " at " + parent.end.ToString() +
         (parent.reason.empty() ? "" : " (" + parent.reason + ")");
}

namespace {

Result<TimelineHistory> ReadFrom(const WalSource& source, Timeline timeline) {
  if (source.size_bytes() > kMaxHistoryFileSize) return Status(Code::kCorruption, "too large");
  Bytes text(source.size_bytes());
  PITR_TRY(source.ReadAt(0, text));
  return TimelineHistory::Parse(timeline, AsText(text));
}

}  // namespace

Status ExplainHistoryConflict(const Repository& repository, Timeline timeline, const WalSource& source, Status conflict,
                              const OpContext& ctx) {
  const auto ours = ReadFrom(source, timeline);
  const auto stored = StoredHistory(repository, timeline, ctx);
  if (!ours.ok() || !stored.ok()) return conflict;
  const std::string number = std::to_string(timeline.value);
  return Status(Code::kConflict, "repository " + repository.store().Describe() + " has another timeline " + number)
      .WithDetail("There it " + DescribeFork(stored.value()) + "; that of this server " + DescribeFork(ours.value()) +
                  ". Nothing was overwritten.")
      .WithHint(
          "Two servers were restored or promoted from the same state, such as a staging server that was made anew; or "
          "this one was recovered from this repository before, where the numbers that another gives are not known. "
          "Restore once more with pg_pitr restore, whose restore_command gives each its own number when pg_pitr is in "
          "shared_preload_libraries: taken in the repository that is restored from, with pg_pitr.restore_hold above 0 "
          "and credentials that may write; without them one that the same directory has not had. Or set "
          "pg_pitr.repository to an empty place for this server. If it was meant as a copy that needs no archive, set "
          "archive_mode = off.");
}

}  // namespace pitr
