#include "server/old_timeline.h"

#include <unistd.h>

#include "core/base/describe_size.h"
#include "core/pg/wal_name.h"
#include "core/repo/layout.h"
#include "core/repo/timelines/ancestor_segments.h"
#include "core/repo/wal/history_source.h"
#include "server/ready_files.h"

namespace pitr::server {
namespace {

Status MarkAll(const std::vector<std::string>& names, std::vector<std::string>& marked) {
  for (const std::string& name : names) {
    if (MarkOf(name) == ArchiveMark::kReady) continue;
    PITR_TRY(MarkReady(name));
    marked.push_back(name);
  }
  return Status::Ok();
}

std::string Describe(const std::vector<std::string>& names) {
  if (names.size() == 1) return "WAL segment " + names.front();
  return DescribeCount(names.size(), "WAL segment", "WAL segments") + ", " + names.front() + " to " + names.back() +
         ",";
}

// PostgreSQL hands a history file over once, to whoever archives then: a copy that does not, and later takes over,
// never gets it again, and without it nothing of its timeline can be recovered.
Status KeepHistories(const Repository* repository, const TimelineHistory& history, const OpContext& ctx) {
  for (const TimelineEntry& entry : history.entries()) {
    const std::string name = HistoryFileName(entry.timeline);
    const std::string path = std::string(kWalDirectory) + "/" + name;
    if (MarkOf(name) == ArchiveMark::kReady || access(path.c_str(), R_OK) != 0) continue;
    // One that names no parent was written by a restore that found none, so that PostgreSQL follows the timeline.
    const auto known = LocalHistory(kWalDirectory, entry.timeline);
    if (known.ok() && known.value().entries().size() < 2) continue;
    if (repository != nullptr) {
      Status stored = repository->store().Stat(layout::WalKey(name), ctx).status();
      if (stored.ok()) stored = repository->store().Settle({layout::WalKey(name)}, ctx);
      if (stored.ok()) continue;
      if (stored.code() != Code::kNotFound) return stored;
    } else if (MarkOf(name) == ArchiveMark::kDone) {
      continue;
    }
    PITR_TRY(MarkReady(name));
  }
  return Status::Ok();
}

Status Keep(const Repository* repository, const ClusterIdentity& cluster, Timeline own, Log& log,
            const OpContext& ctx) {
  // PostgreSQL keeps the history file of the timeline it writes in pg_wal.
  PITR_ASSIGN(const TimelineHistory history, LocalHistory(kWalDirectory, own));
  PITR_TRY(KeepHistories(repository, history, ctx));
  PITR_ASSIGN(std::vector<std::string> names, AncestorSegments(history, cluster, kWalDirectory));
  if (names.empty()) return Status::Ok();
  bool known = false;
  if (repository != nullptr) {
    auto missing = NotArchived(*repository, names, ctx);
    known = missing.ok();
    if (known) names = std::move(missing).value();
  }
  std::vector<std::string> marked;
  const Status status = MarkAll(names, marked);
  if (!marked.empty())
    log.Warning(Describe(marked) + (known ? " of an older timeline " + std::string(marked.size() == 1 ? "is" : "are") +
                                                " missing in the repository and still in pg_wal: archiving from here"
                                          : " of an older timeline may be missing in the repository, which does not "
                                            "answer: kept in pg_wal until that is known"));
  return status;
}

}  // namespace

void KeepOldTimelines(const Repository* repository, const ClusterIdentity& cluster, Timeline own, Log& log,
                      const OpContext& ctx) {
  if (own.value <= 1) return;
  const Status status = Keep(repository, cluster, own, log, ctx);
  if (!status.ok() && !ctx.cancelled())
    log.Warning("could not look for WAL of older timelines that the repository lacks: " + status.ToString());
}

}  // namespace pitr::server
