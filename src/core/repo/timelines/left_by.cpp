#include "core/repo/timelines/left_by.h"

#include <algorithm>
#include <map>
#include <utility>

#include "core/pg/history.h"
#include "core/pg/timestamp.h"
#include "core/pg/wal_name.h"
#include "core/repo/layout.h"
#include "core/repo/timelines/timeline_aside.h"
#include "core/repo/wal/partial_segment.h"
#include "core/repo/wal/wal_fetch.h"

namespace pitr {
namespace {

constexpr int64_t kLookEveryMs = 60000;
constexpr int64_t kLookForMs = 5000;

// Of each timeline with a number above `own`: when its newest file was stored.
Result<std::map<Timeline, int64_t>> Newer(const Repository& repository, Timeline own, const OpContext& ctx) {
  std::map<Timeline, int64_t> newer;
  PITR_TRY(ListFrom(repository.store(), std::string(layout::kWalPrefix), layout::WalTimelinePrefix(own) + "~", ctx,
                    [&](const ObjectInfo& object) -> Result<bool> {
                      const auto partial = ParsePartialSegment(repository, object.key);
                      const auto name = layout::WalNameOfKey(object.key);
                      const auto parsed = name ? ParseWalFileName(*name, repository.segment_size()) : std::nullopt;
                      if (!partial && !parsed) return true;
                      int64_t& stored = newer[partial ? partial->name.timeline : parsed->timeline];
                      stored = std::max(stored, object.modified_micros);
                      return true;
                    }));
  return newer;
}

}  // namespace

Result<SuccessorDoubt> FindSuccessors(const Repository& repository, Timeline own, const OpContext& ctx) {
  SuccessorDoubt doubt;
  PITR_ASSIGN(const auto newer, Newer(repository, own, ctx));
  PITR_ASSIGN(const auto asides, LoadTimelineAsides(repository, ctx));
  const std::string left = std::to_string(own.value);
  std::string commands;
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
    const std::string number = std::to_string(timeline.value);
    doubt.timelines.push_back(timeline);
    doubt.detail += (doubt.detail.empty() ? "Timeline " : " Timeline ") + number + " left timeline " + left + " at " +
                    fork->ToString();
    if (stored_micros != 0) doubt.detail += ", and was archived until " + FormatToSecond(stored_micros);
    doubt.detail += ".";
    commands += (commands.empty() ? "" : ", ") + ("pg_pitr timeline set-aside " + number);
  }
  const auto aside = asides.find(own);
  if (aside != asides.end() && aside->second.aside) {
    const std::string rivals = doubt.detail;
    doubt.message = "timeline " + left + ", which this server writes, was set aside " + DescribeAside(aside->second);
    doubt.detail = "No plan, window or standby made elsewhere follows it, and so none has this server's rows." +
                   (rivals.empty() ? "" : " " + rivals);
    doubt.hint = std::string(rivals.empty() ? "If another server took its place, stop this one."
                                            : "If this is the old primary of a failover, stop it, and make it a "
                                              "standby of the new one (pg_rewind, or a new copy).") +
                 " If it is the server that lives, take its timeline back: pg_pitr timeline take-back " + left;
    if (!rivals.empty()) doubt.hint += ", and if a test copy wrote the other one, set that aside: " + commands;
    doubt.timelines.insert(doubt.timelines.begin(), own);
    return doubt;
  }
  if (doubt.timelines.empty()) return doubt;
  doubt.message = "the archive has a timeline that left timeline " + left +
                  ", which this server writes: is this the old primary of a failover?";
  doubt.hint =
      "If it is, stop this server, make it a standby of the new primary (pg_rewind, or a new copy), and leave out what "
      "it has written since: pg_pitr timeline set-aside " +
      left + ". If a test copy wrote the other one, stop that, and set it aside: " + commands;
  return doubt;
}

std::string SuccessorWatch::Look(const Repository& repository, const OpContext& ctx) {
  if (!own_.valid()) return "";
  {
    std::lock_guard lock(mutex_);
    const int64_t now = ctx.clock->SteadyMillis();
    if (next_millis_ && now < *next_millis_) return "";
    next_millis_ = now + kLookEveryMs;
  }
  OpContext bounded = ctx;
  bounded.deadline_millis = std::min(ctx.deadline_millis, ctx.clock->SteadyMillis() + kLookForMs);
  auto found = FindSuccessors(repository, own_, bounded);
  std::lock_guard lock(mutex_);
  if (!found.ok()) {
    std::string failed = found.status().ToString();
    if (ctx.cancelled() || failed == failed_) return "";
    failed_ = failed;
    return "whether other timelines have left timeline " + std::to_string(own_.value) +
           " could not be found out: " + failed;
  }
  failed_.clear();
  found_ = std::move(found).value();
  const bool news = found_->timelines != said_ && !found_->timelines.empty();
  said_ = found_->timelines;
  return news ? found_->message + " " + found_->detail + " " + found_->hint : "";
}

std::optional<SuccessorDoubt> SuccessorWatch::Take() {
  std::lock_guard lock(mutex_);
  return std::exchange(found_, std::nullopt);
}

}  // namespace pitr
