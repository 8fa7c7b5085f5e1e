#include "core/restore/timeline_use.h"

#include <algorithm>

#include "core/base/describe_size.h"
#include "core/pg/timestamp.h"
#include "core/repo/archive/wal_catalog.h"
#include "core/repo/opening/known_repository.h"
#include "core/repo/timelines/timeline_aside.h"
#include "core/restore/copy_guard.h"
#include "core/restore/live_servers.h"

namespace pitr {
namespace {

constexpr int64_t kLivelyMicros = int64_t{300} * 1000000;

Status InUse(Timeline timeline, const std::string& what, const std::string& evidence) {
  const std::string number = std::to_string(timeline.value);
  return Status(Code::kConflict, "timeline " + number + " " + what)
      .WithDetail(evidence + " Set aside, no plan, recovery window or standby goes there unless timeline " + number +
                  " is asked for by its number; its server goes on archiving, and its backups and pitr_check() warn.")
      .WithHint(
          "Which server is to go on? pg_pitr info shows the timelines. If it is another one, stop the server of "
          "timeline " +
          number + " for good; then, or if this is meant all the same, add --force (SQL: force => true).");
}

}  // namespace

Status CheckTimelineNotInUse(const Repository& repository, Timeline timeline, const OpContext& ctx) {
  PITR_ASSIGN(const auto asides, LoadTimelineAsides(repository, ctx));
  const auto is_aside = [&](Timeline each) {
    const auto known = asides.find(each);
    return known != asides.end() && known->second.aside;
  };
  if (is_aside(timeline)) return Status::Ok();
  for (const LiveServer& server : OtherServersOfCluster(repository.marker().cluster.system_id, "/"))
    if (server.control.timeline == timeline && ArchivesTo(server.data_directory, repository.marker().repository_id))
      return InUse(timeline, "is written by a server on this machine", DescribeLiveServer(server));
  PITR_ASSIGN(const WalCatalog wal, WalCatalog::Load(repository, ctx));
  const auto held = wal.timelines().find(timeline);
  if (held == wal.timelines().end()) return Status::Ok();
  const int64_t newest = held->second.newest_micros;
  const bool last = std::all_of(wal.timelines().begin(), wal.timelines().end(), [&](const auto& other) {
    return other.second.newest_micros <= newest || is_aside(other.first);
  });
  const int64_t age = std::max<int64_t>(ctx.clock->WallMicros() - newest, 0);
  if (!last || newest == 0 || age >= kLivelyMicros) return Status::Ok();
  return InUse(timeline, "was archived more recently than any other",
               "Its newest WAL was stored " + FormatToSecond(newest) + ", " + DescribeSeconds(age / 1000000) +
                   " ago: a server that lives would look like that.");
}

}  // namespace pitr
