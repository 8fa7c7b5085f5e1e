#include "core/restore/hold_keeper.h"

#include <algorithm>

#include "core/pg/timestamp.h"
#include "core/repo/archive/wal_catalog.h"
#include "core/repo/backups/expire_mark.h"
#include "core/repo/backups/restore_hold.h"
#include "core/store/absence.h"

namespace pitr {
namespace {

constexpr char kStaleMark[] =
    "If no pg_pitr expire is at work there, the mark was left by one that was killed: with --unprotected the restore "
    "goes on all the same, and a pg_pitr expire with settings that keep the backup takes the mark back. Otherwise "
    "choose another backup or target; pg_pitr info lists the backups.";

std::string WhoMarked(const ExpireMark& mark) {
  if (mark.marked_micros == 0) return "by somebody";
  return "at " + FormatToSecond(mark.marked_micros) + " by " + mark.marked_by;
}

// Of the WAL that the plan replays: whether there is any after the backup's last segment, and the first that is gone.
bool NeedsWalAfterStop(const RestorePlan& plan) {
  return !plan.wal.empty() && plan.wal.back().last > LastSegment(plan.backup);
}
std::optional<WalSpan> FirstMissing(const WalCatalog& wal, const RestorePlan& plan) {
  for (const WalSpan& span : plan.wal)
    for (SegmentNo segment = span.first; segment <= span.last; segment.value++)
      if (!wal.Has(span.timeline, segment) &&
          !(segment == plan.wal.back().last && wal.PartialEnd(span.timeline, segment) >= plan.stop.lsn))
        return WalSpan{span.timeline, segment, segment};
  return std::nullopt;
}

}  // namespace

Result<std::unique_ptr<HoldKeeper>> HoldKeeper::Take(const Repository& repository, const RestorePlan& plan,
                                                     const HoldOptions& options, const OpContext& ctx) {
  std::unique_ptr<HoldKeeper> keeper(new HoldKeeper(repository, plan.backup.label, options));
  PITR_TRY(keeper->Create(ctx));
  Status marked = keeper->CheckMarks(plan, ctx);
  if (!marked.ok()) {
    if (!keeper->holds_.empty()) {
      const Status removed = RemoveHold(repository, keeper->label_, keeper->holds_.back().slot, ctx);
      if (!removed.ok()) repository.log().Warning("could not remove the restore hold again: " + removed.ToString());
    }
    return marked;
  }
  if (!keeper->holds_.empty()) {
    HoldKeeper* self = keeper.get();
    PITR_ASSIGN(keeper->renewing_, Job::Start([self, ctx](const CancelToken& cancel) {
                  OpContext own = ctx;
                  own.cancel = &cancel;
                  return self->RenewAlways(own);
                }));
  }
  return keeper;
}

Result<std::vector<std::string>> HoldKeeper::Look(const Repository& repository, const RestorePlan& plan,
                                                  const HoldOptions& options, const OpContext& ctx) {
  HoldKeeper keeper(repository, plan.backup.label, options);
  PITR_TRY(keeper.CheckMarks(plan, ctx));
  return std::move(keeper.notes_);
}

HoldKeeper::~HoldKeeper() = default;

Status HoldKeeper::Create(const OpContext& ctx) {
  if (options_.lasts_micros == 0) return Status::Ok();
  const Status held = Renew(ctx);
  if (held.code() == Code::kCancelled || held.code() == Code::kInvalidArgument) return held;
  if (!held.ok())
    notes_.push_back("Backup " + label_ + " could not be kept from being expired during the restore and the replay: " +
                     held.ToString() + ". Should it be among the oldest ones, pin it from another place.");
  return Status::Ok();
}

Status HoldKeeper::CheckMarks(const RestorePlan& plan, const OpContext& ctx) {
  // In this order: the mark goes last, so without one the manifest tells whether it was never there or is gone again.
  PITR_ASSIGN(const auto mark, ReadMark(repository_, label_, layout::BackupObject::kExpireMark, ctx));
  PITR_ASSIGN(const bool there,
              IsThere(repository_.store(), layout::BackupKey(label_, layout::BackupObject::kManifest), ctx));
  if (!there)
    return Status(Code::kConflict, "backup \"" + label_ + "\" was expired while the restore was planned")
        .WithHint("Plan again: pg_pitr plan says what can be reached now.");
  if (mark && !options_.unprotected)
    return Status(Code::kConflict, "backup \"" + label_ + "\" is being expired")
        .WithDetail("It was marked to be deleted " + WhoMarked(*mark) + ".")
        .WithHint(kStaleMark);
  if (mark)
    notes_.push_back("Backup " + label_ + " was marked to be deleted " + WhoMarked(*mark) +
                     "; if that is still going on, it or its WAL may be missing.");
  return NeedsWalAfterStop(plan) ? CheckWalAfterStop(plan, ctx) : Status::Ok();
}

Status HoldKeeper::CheckWalAfterStop(const RestorePlan& plan, const OpContext& ctx) {
  PITR_ASSIGN(const auto mark, ReadMark(repository_, label_, layout::BackupObject::kAloneMark, ctx));
  if (!mark) return Status::Ok();
  PITR_ASSIGN(const WalCatalog wal, WalCatalog::Load(repository_, ctx));
  if (const auto missing = FirstMissing(wal, plan))
    return Status(Code::kConflict, "WAL after backup \"" + label_ + "\" was expired while the restore was planned")
        .WithDetail("Missing: " + DescribeSpan(*missing, repository_.segment_size()) + ".")
        .WithHint("Plan again: pg_pitr plan says what can be reached now.");
  if (!options_.unprotected)
    return Status(Code::kConflict, "WAL after backup \"" + label_ + "\" is being expired")
        .WithDetail("It was marked to be deleted " + WhoMarked(*mark) + ".")
        .WithHint(kStaleMark);
  notes_.push_back("The WAL after backup " + label_ + " was marked to be deleted " + WhoMarked(*mark) +
                   "; if that is still going on, the replay may end early.");
  return Status::Ok();
}

// Half of the length is left for attempts that fail.
Status HoldKeeper::RenewAlways(const OpContext& ctx) {
  const int64_t half = std::max<int64_t>(options_.lasts_micros / 2000, 1);
  const int64_t again = std::max<int64_t>(half / 16, 1);
  bool warned = false;
  for (int64_t wait = half;;) {
    ctx.Sleep(wait);
    if (ctx.cancelled()) return Status::Ok();
    const Status renewed = Renew(ctx);
    wait = renewed.ok() ? half : again;
    if (!renewed.ok() && !warned && !ctx.cancelled())
      repository_.log().Warning("could not renew the restore hold of backup " + label_ + ": " + renewed.ToString());
    warned = !renewed.ok();
  }
}

// Removes only what has ended: an expiry may have listed the hold before, and come to read it after this.
Status HoldKeeper::Renew(const OpContext& ctx) {
  PITR_ASSIGN(const uint32_t slot, CreateHold(repository_, label_, options_.lasts_micros, options_.by, ctx));
  const int64_t now = ctx.clock->SteadyMillis();
  holds_.push_back({slot, now + options_.lasts_micros / 1000 + 1});
  while (holds_.front().end_millis <= now) {
    const Status removed = RemoveHold(repository_, label_, holds_.front().slot, ctx);
    // Then the next expiry does.
    if (!removed.ok()) repository_.log().Debug("could not remove a restore hold that has ended: " + removed.ToString());
    holds_.erase(holds_.begin());
  }
  return Status::Ok();
}

int64_t HoldKeeper::Finish(const OpContext& ctx) {
  renewing_.reset();
  if (holds_.empty()) return 0;
  const Status renewed = Renew(ctx);
  if (renewed.ok()) return ctx.clock->WallMicros() + options_.lasts_micros;
  notes_.push_back("The hold that keeps backup " + label_ +
                   " from being expired could not be renewed for the replay: " + renewed.ToString() + ".");
  return ctx.clock->WallMicros() + options_.lasts_micros / 2;
}

}  // namespace pitr
