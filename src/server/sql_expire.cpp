// pitr_expire(), pitr_pin() and pitr_unpin().
#include "core/base/process_name.h"
#include "core/expire/expire_settings.h"
#include "core/pg/timestamp.h"
#include "core/repo/backups/backup_pin.h"
#include "core/verify/known_damage.h"
#include "server/on_repository.h"
#include "server/rows.h"
#include "server/server_state.h"
#include "server/shmem.h"

extern "C" {
#include "datatype/timestamp.h"
#include "utils/timestamp.h"
}

namespace pitr::server {
namespace {

constexpr int64_t kMaxLeftoverDays = 36500;

// Microseconds of an interval argument, a month being 30 days.
Result<int64_t> AgeArgument(FunctionCallInfo fcinfo, int n) {
  const Datum argument = PG_GETARG_DATUM(n);
  const Interval* interval = PgCall([argument] { return DatumGetIntervalP(argument); });
  const int64_t days = int64_t{interval->month} * DAYS_PER_MONTH + interval->day;
  if (days < 0 || days > kMaxLeftoverDays || interval->time < 0 || interval->time > kMaxLeftoverDays * USECS_PER_DAY)
    return Status(Code::kInvalidArgument, "leftover_age must be between 0 and 100 years");
  return days * USECS_PER_DAY + interval->time;
}

std::string RunningLabel() {
  char label[kLabelBytes] = "";
  WithShared(LW_SHARED, [&](SharedState& shared) {
    if (shared.backup.Running()) CopyText(label, shared.backup.label);
  });
  return label;
}

Result<ExpireRequest> RequestFromArguments(FunctionCallInfo fcinfo) {
  PITR_ASSIGN(ExpireRequest request, ExpireRequestOf(CurrentConfig()));
  request.dry_run = !PG_ARGISNULL(0) && PG_GETARG_BOOL(0);
  const std::string label = TextArgument(fcinfo, 1);
  if (!label.empty()) request.labels.insert(label);
  request.force = !PG_ARGISNULL(2) && PG_GETARG_BOOL(2);
  if (request.force && label.empty())
    return Status(Code::kInvalidArgument, "force needs the label of a backup")
        .WithHint("What the retention settings keep is changed by changing them.");
  if (!PG_ARGISNULL(3)) { PITR_ASSIGN(request.leftover_age_micros, AgeArgument(fcinfo, 3)); }
  request.running_label = RunningLabel();
  request.by = ProcessName();
  return request;
}

}  // namespace

PITR_FUNCTION(pitr_expire) {
  PITR_ASSIGN(const ExpireRequest request, RequestFromArguments(fcinfo));
  PITR_ASSIGN(const ExpireReport report,
              ChangeOwnRepository<ExpireReport>(
                  request,
                  [](const Repository& repository, ExpireRequest& asked, const OpContext& ctx) -> Result<ExpireReport> {
                    PITR_ASSIGN(asked.damage_of, FindKnownDamage(repository, DamageOf::kAnything, ctx));
                    return Expire(repository, asked, ctx);
                  }));
  std::vector<Row> rows;
  for (const ExpireRow& row : report.rows)
    rows.push_back({std::string(ExpireActionName(row.action)), row.what, row.name, NumberCell(row.objects),
                    NumberCell(row.stored_bytes), row.why});
  ReturnRows(fcinfo, rows);
  return Status::Ok();
}

PITR_FUNCTION(pitr_pin) {
  PinRequest request;
  request.label = TextArgument(fcinfo, 0);
  request.reason = TextArgument(fcinfo, 1);
  if (!PG_ARGISNULL(2) && !TIMESTAMP_IS_NOEND(PG_GETARG_TIMESTAMPTZ(2)))
    request.until_micros = std::max<int64_t>(1, MicrosFromPgTimestamp(PG_GETARG_TIMESTAMPTZ(2)));
  request.pinned_by = ProcessName();
  PITR_TRY(ChangeOwnRepository<BackupPin>(request, [](const Repository& repository, const PinRequest& asked,
                                                      const OpContext& ctx) {
             return PinBackup(repository, asked, ctx);
           }).status());
  return Status::Ok();
}

PITR_FUNCTION(pitr_unpin) {
  PITR_ASSIGN(const int removed,
              ChangeOwnRepository<int>(TextArgument(fcinfo, 0),
                                       [](const Repository& repository, const std::string& label,
                                          const OpContext& ctx) { return UnpinBackup(repository, label, ctx); }));
  *result = BoolGetDatum(removed > 0);
  return Status::Ok();
}

}  // namespace pitr::server
