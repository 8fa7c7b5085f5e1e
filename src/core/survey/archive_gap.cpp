#include "core/survey/archive_gap.h"

#include <algorithm>

#include "core/survey/repository_info.h"

namespace pitr {

Result<ArchiveGap> FindArchiveGap(const Repository& repository, Timeline own, const OpContext& ctx) {
  InfoOptions options;
  options.read_last_commit = false;
  options.own_timeline = own;
  PITR_ASSIGN(const RepositoryInfo report, LoadRepositoryInfo(repository, options, ctx));
  ArchiveGap gap;
  const auto first =
      std::find_if(report.gaps.begin(), report.gaps.end(), [](const GapRow& row) { return row.behind_newest; });
  if (first == report.gaps.end()) return gap;
  gap.message = "WAL is missing in the archive behind the newest backup: " + report.window.missing_wal;
  gap.detail = "Recovery to the newest state ends at " + first->from_lsn.ToString() +
               ": what has been archived since cannot be recovered.";
  gap.hint = first->remedy + ". If they are lost, take a new backup now: SELECT pitr_backup().";
  return gap;
}

}  // namespace pitr
