#include "core/repo/left_by.h"

#include <algorithm>
#include <map>

#include "core/pg/history.h"
#include "core/pg/timestamp.h"
#include "core/pg/wal_name.h"
#include "core/repo/layout.h"
#include "core/repo/timeline_aside.h"
#include "core/repo/wal_fetch.h"

namespace pitr {
namespace {

// Of each timeline with a number above `own`: when its newest file was stored.
Result<std::map<Timeline, int64_t>> Newer(const Repository& repository, Timeline own, const OpContext& ctx) {
  std::map<Timeline, int64_t> newer;
  std::string after = layout::WalTimelinePrefix(own) + "~";
  for (bool more = true; more;) {
    PITR_ASSIGN(const ListPage page, repository.store().List(std::string(layout::kWalPrefix), after, ctx));
    for (const ObjectInfo& object : page.objects) {
      const auto name = layout::WalNameOfKey(object.key);
      const auto parsed = name ? ParseWalFileName(*name, repository.segment_size()) : std::nullopt;
      if (!parsed) continue;
      int64_t& stored = newer[parsed->timeline];
      stored = std::max(stored, object.modified_micros);
    }
    more = page.more && !page.objects.empty();
    if (more) after = page.objects.back().key;
  }
  return newer;
}

}  // namespace

Result<std::string> DescribeSuccessors(const Repository& repository, Timeline own, const OpContext& ctx) {
  PITR_ASSIGN(const auto newer, Newer(repository, own, ctx));
  if (newer.empty()) return std::string();
  PITR_ASSIGN(const auto asides, LoadTimelineAsides(repository, ctx));
  std::string detail, last;
  for (const auto& [timeline, stored_micros] : newer) {
    const auto aside = asides.find(timeline);
    if (aside != asides.end() && aside->second.aside) continue;
    auto bytes = FetchWalBytes(repository, HistoryFileName(timeline), ctx);
    // Without its history nobody knows where it came from.
    if (bytes.code() == Code::kNotFound) continue;
    if (!bytes.ok()) return std::move(bytes).status();
    const auto history = TimelineHistory::Parse(timeline, AsText(bytes.value()));
    const auto fork = history.ok() ? history.value().SwitchPoint(own) : std::nullopt;
    if (!fork) continue;
    last = std::to_string(timeline.value);
    detail += (detail.empty() ? "" : " ") + std::string("Timeline ") + last + " left timeline " +
              std::to_string(own.value) + " at " + fork->ToString();
    if (stored_micros != 0) detail += ", and was archived until " + FormatToSecond(stored_micros);
    detail += ".";
  }
  if (last.empty()) return std::string();
  return "the archive has a timeline that left timeline " + std::to_string(own.value) +
         ", which this server writes: is this the old primary of a failover? " + detail +
         " If it is, stop this server, and make it a standby of the new primary (pg_rewind, or a new copy). If a test "
         "copy wrote that timeline, set it aside: pg_pitr timeline set-aside " +
         last;
}

}  // namespace pitr
