#include "core/expire/expire_settings.h"

namespace pitr {
namespace {

constexpr int64_t kMicrosOfDay = int64_t{86400} * 1000000;
constexpr int64_t kDaysOfMonth = 30;

}  // namespace

int64_t SpanMicros(const CalendarSpan& span) { return span.months * kDaysOfMonth * kMicrosOfDay + span.micros; }

Result<ExpireRequest> ExpireRequestOf(const Config& config) {
  ExpireRequest request;
  request.policy.full = config.retention_full;
  request.policy.diff = config.retention_diff;
  auto age = ParseCalendarSpan(config.retention_age);
  if (!age.ok()) return std::move(age).status().Annotate("setting \"pg_pitr.retention_age\"");
  request.policy.age = age.value();
  auto monthly = ParseCalendarSpan(config.retention_monthly);
  if (!monthly.ok()) return std::move(monthly).status().Annotate("setting \"pg_pitr.retention_monthly\"");
  request.policy.monthly = monthly.value();
  request.leftover_age_micros = int64_t{config.expire_leftover_age_ms} * 1000;
  return request;
}

Status ProblemsOf(const ExpireReport& report) {
  for (const ExpireRow& row : report.rows) {
    if (row.action == ExpireAction::kBlocked)
      return Status(Code::kCorruption, row.what + " \"" + row.name + "\" stops the expiry")
          .WithDetail("Backup " + row.name + ": " + row.why + ".")
          .WithHint("Mend it, or delete it by name with force; pg_pitr expire --dry-run shows everything.");
    if (row.action == ExpireAction::kRefused)
      return Status(Code::kPermission, "the store does not delete \"" + row.name + "\"")
          .WithDetail(row.why)
          .WithHint("pg_pitr expire tells all that was refused; the next run tries again.");
  }
  return Status::Ok();
}

}  // namespace pitr
