// pitr_set_timeline_aside() and pitr_take_timeline_back().
#include "core/base/process_name.h"
#include "core/repo/timelines/timeline_aside.h"
#include "core/restore/timeline_use.h"
#include "server/on_repository.h"
#include "server/rows.h"

namespace pitr::server {
namespace {

Result<Timeline> TimelineArgument(FunctionCallInfo fcinfo) {
  if (PG_ARGISNULL(0)) return Status(Code::kInvalidArgument, "the timeline must not be null");
  const int64 number = PG_GETARG_INT64(0);
  if (number < 1 || number > UINT32_MAX)
    return Status(Code::kInvalidArgument, "there is no timeline " + std::to_string(number));
  return Timeline{static_cast<uint32_t>(number)};
}

Result<bool> SetAside(Timeline timeline, TimelineAside aside, bool force) {
  aside.by = ProcessName();
  aside.micros = SystemClock().WallMicros();
  struct Change {
    Timeline timeline;
    TimelineAside aside;
    bool force;
  };
  return ChangeOwnRepository<bool>(
      Change{timeline, std::move(aside), force},
      [](const Repository& repository, const Change& change, const OpContext& ctx) -> Result<bool> {
        if (change.aside.aside && !change.force) PITR_TRY(CheckTimelineNotInUse(repository, change.timeline, ctx));
        return SetTimelineAside(repository, change.timeline, change.aside, ctx);
      });
}

}  // namespace

PITR_FUNCTION(pitr_set_timeline_aside) {
  PITR_ASSIGN(const Timeline timeline, TimelineArgument(fcinfo));
  if (OwnTimeline() == timeline)
    return {Code::kInvalidArgument, "timeline " + std::to_string(timeline.value) + " is this server's own"};
  const bool force = !PG_ARGISNULL(2) && PG_GETARG_BOOL(2);
  PITR_ASSIGN(const bool changed, SetAside(timeline, {.aside = true, .reason = TextArgument(fcinfo, 1)}, force));
  *result = BoolGetDatum(changed);
  return Status::Ok();
}

PITR_FUNCTION(pitr_take_timeline_back) {
  PITR_ASSIGN(const Timeline timeline, TimelineArgument(fcinfo));
  PITR_ASSIGN(const bool changed, SetAside(timeline, {.aside = false}, true));
  *result = BoolGetDatum(changed);
  return Status::Ok();
}

}  // namespace pitr::server
