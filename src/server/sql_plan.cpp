// pitr_restore_plan(): can we get there, from what, and how. Changes nothing.
#include <algorithm>

#include "core/pg/time_distance.h"
#include "core/pg/timestamp.h"
#include "core/report/plan_report.h"
#include "core/restore/planner.h"
#include "core/verify/known_damage.h"
#include "server/on_repository.h"
#include "server/rows.h"
#include "server/server_state.h"

extern "C" {
#include "access/xact.h"
#include "datatype/timestamp.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/timestamp.h"
}

namespace pitr::server {
namespace {

// The file that pg_pitr.repository was read from: what the binary's --config should name. Empty when the caller may not
// know it.
std::string SettingsPath() {
  char path[MAXPGPATH] = "";
  char* found = path;
  PgCall([found] {
    SPI_connect();
    if (SPI_execute("SELECT sourcefile FROM pg_catalog.pg_settings WHERE name = 'pg_pitr.repository'", true, 1) ==
            SPI_OK_SELECT &&
        SPI_processed == 1) {
      char* value = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
      if (value) strlcpy(found, value, MAXPGPATH);
    }
    SPI_finish();
  });
  return path;
}

Result<std::string> FiniteTime(TimestampTz time) {
  if (TIMESTAMP_NOT_FINITE(time)) return Status(Code::kInvalidArgument, "target_time must be finite");
  return FormatTimestamp(MicrosFromPgTimestamp(time));
}

// As the session reads it, and besides how far from now it is: by now() and the session's time zone.
Result<std::string> TimeFromText(FunctionCallInfo fcinfo) {
  const std::string text = TextArgument(fcinfo, 0);
  PITR_ASSIGN(const std::optional<TimeDistance> distance, ParseTimeDistance(text));
  Interval span{};
  if (distance) {
    // What is beyond any time ends as an error of the addition.
    span.month = static_cast<int32>(std::clamp<int64_t>(distance->months, INT32_MIN, INT32_MAX));
    span.day = static_cast<int32>(std::clamp<int64_t>(distance->days, INT32_MIN, INT32_MAX));
    span.time = distance->micros;
  }
  const char* const given = text.c_str();
  Interval* const added = distance ? &span : nullptr;
  TimestampTz time = 0;
  TimestampTz* const read = &time;
  PgCall([given, added, read] {
    *read = DatumGetTimestampTz(added != nullptr
                                    ? DirectFunctionCall2(timestamptz_pl_interval,
                                                          TimestampTzGetDatum(GetCurrentTransactionStartTimestamp()),
                                                          IntervalPGetDatum(added))
                                    : DirectFunctionCall3(timestamptz_in, CStringGetDatum(given),
                                                          ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
  });
  return FiniteTime(time);
}

// All but the time, which comes as one or another type.
TargetText TargetFromArguments(FunctionCallInfo fcinfo) {
  TargetText text;
  text.xid = ArgumentAsText(fcinfo, 1, F_XID8OUT);
  text.name = TextArgument(fcinfo, 2);
  text.lsn = ArgumentAsText(fcinfo, 3, F_PG_LSN_OUT);
  text.immediate = !PG_ARGISNULL(4) && PG_GETARG_BOOL(4);
  text.exclusive = !PG_ARGISNULL(5) && !PG_GETARG_BOOL(5);
  text.timeline = TextArgument(fcinfo, 6);
  text.action = TextArgument(fcinfo, 7);
  text.allow_gap = !PG_ARGISNULL(9) && PG_GETARG_BOOL(9);
  return text;
}

Status ReturnPlan(FunctionCallInfo fcinfo, const TargetText& text) {
  // What was forgotten is not the end of the archive.
  if (!PG_ARGISNULL(2) && text.name.empty()) return {Code::kInvalidArgument, "target_name is empty"};
  PlanRequest request;
  PITR_ASSIGN(request.target, ParseTarget(text));
  request.backup_label = TextArgument(fcinfo, 8);
  request.own_timeline = OwnTimeline();
  request.own_started_micros = WriterStartMicros();
  request.own_position = WriterPosition();
  const std::string settings_path = SettingsPath();
  PITR_ASSIGN(const RestorePlan plan, OnRepository<RestorePlan>(request, [](const Repository& repository,
                                                                            PlanRequest& asked, const OpContext& ctx) {
                asked.damage_of = KnownDamage(repository, ctx);
                return MakeRestorePlan(repository, asked, ctx);
              }));
  std::vector<Row> rows;
  for (const auto& [item, value] : DescribePlan(plan, settings_path)) rows.push_back({item, value});
  ReturnRows(fcinfo, rows);
  return Status::Ok();
}

}  // namespace

PITR_FUNCTION(pitr_restore_plan) {
  TargetText text = TargetFromArguments(fcinfo);
  if (!PG_ARGISNULL(0)) { PITR_ASSIGN(text.time, FiniteTime(PG_GETARG_TIMESTAMPTZ(0))); }
  return ReturnPlan(fcinfo, text);
}

PITR_FUNCTION(pitr_restore_plan_at) {
  TargetText text = TargetFromArguments(fcinfo);
  if (!PG_ARGISNULL(0)) { PITR_ASSIGN(text.time, TimeFromText(fcinfo)); }
  return ReturnPlan(fcinfo, text);
}

}  // namespace pitr::server
