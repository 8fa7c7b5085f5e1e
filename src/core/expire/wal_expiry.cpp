#include "core/expire/wal_expiry.h"

#include "core/repo/layout.h"
#include "core/repo/wal/partial_segment.h"
#include "core/store/absence.h"

namespace pitr {
namespace {

struct UnneededFile {
  SegmentNo segment;
  ObjectInfo object;
};

class WalExpiry {
 public:
  WalExpiry(const Repository& repository, const WalNeed& need, bool dry_run, const RemoveGarbage& remove,
            const OpContext& ctx)
      : repository_(repository), need_(need), dry_run_(dry_run), remove_(remove), ctx_(ctx) {}

  Status Run(std::string_view prefix, const char* what, Timeline timeline) {
    prefix_ = prefix;
    what_ = what;
    timeline_ = timeline;
    run_open_ = false;
    if (need_.NeedsAllFrom(timeline, SegmentNo{0})) return Status::Ok();
    const std::string below =
        prefix == layout::kWalPrefix ? layout::WalTimelinePrefix(timeline) : layout::ChangeMapTimelinePrefix(timeline);
    PITR_TRY(ListFrom(repository_.store(), below, "", ctx_, [&](const ObjectInfo& object) -> Result<bool> {
      const auto segment = SegmentOf(object.key);
      if (!segment) return true;
      if (need_.NeedsAllFrom(timeline, *segment)) return false;
      if (!need_.Needs(timeline, *segment)) batch_.push_back({*segment, object});
      if (batch_.size() >= kWalBatch) PITR_TRY(Flush());
      return true;
    }));
    return Flush();
  }
  // Nothing of a group that retention does not need may be left, so that nothing leads to its seal but itself.
  Status BreakUnneeded(const WalCatalog& wal) {
    for (const auto& [group, seal] : wal.sealed())
      if (!dry_run_ && !need_.NeedsAll(SegmentsOf(group, repository_.segment_size()))) PITR_TRY(Break(group));
    return Status::Ok();
  }
  WalExpiryReport TakeReport() { return std::move(report_); }

 private:
  // Of a change map or a WAL file of this cluster, but a history file.
  std::optional<SegmentNo> SegmentOf(const std::string& key) const {
    if (const auto partial = ParsePartialSegment(repository_, key)) return partial->name.segment;
    const auto name = prefix_ == layout::kWalPrefix ? layout::WalNameOfKey(key) : layout::SegmentOfChangeMapKey(key);
    const auto parsed = name ? ParseWalFileName(*name, repository_.segment_size()) : std::nullopt;
    if (!parsed || parsed->kind == WalFileKind::kHistory) return std::nullopt;
    return parsed->segment;
  }

  // Runs of segments: what follows the last row of the timeline belongs to it.
  Status Flush() {
    for (size_t at = 0; at < batch_.size();) {
      const SegmentNo first = batch_[at].segment;
      Garbage garbage;
      garbage.row = {ExpireAction::kDelete, what_, "", 0, 0, need_.WhyNot(timeline_)};
      SegmentNo last = first;
      for (; at < batch_.size() && batch_[at].segment.value <= last.value + 1; ++at) {
        last = batch_[at].segment;
        garbage.row.objects++;
        garbage.row.stored_bytes += batch_[at].object.size;
        garbage.data.push_back(std::move(batch_[at].object));
      }
      if (prefix_ == layout::kWalPrefix) PITR_TRY(BreakSeals(first, last, garbage));
      PITR_TRY(remove_(garbage));
      if (garbage.row.objects > 0) Report(garbage.row, first, last);
    }
    batch_.clear();
    return Status::Ok();
  }

  void Report(const ExpireRow& row, SegmentNo first, SegmentNo last) {
    if (run_open_ && first.value <= last_.value + 1) {
      report_.rows.back().objects += row.objects;
      report_.rows.back().stored_bytes += row.stored_bytes;
    } else {
      report_.rows.push_back(row);
      first_ = first;
      run_open_ = true;
    }
    last_ = last;
    const uint32_t size = repository_.segment_size();
    report_.rows.back().name = SegmentFileName(timeline_, first_, size);
    if (first_ != last_) report_.rows.back().name += " to " + SegmentFileName(timeline_, last_, size);
  }

  // Takes the groups whose seal stays out of `garbage`.
  Status BreakSeals(SegmentNo first, SegmentNo last, Garbage& garbage) {
    const uint32_t size = repository_.segment_size();
    const WalGroup end = GroupOf(timeline_, last, size);
    for (WalGroup group = GroupOf(timeline_, first, size); group <= end && !dry_run_; ++group.number) {
      if (!report_.broken.contains(group) && !stuck_.contains(group)) PITR_TRY(Break(group));
      if (!stuck_.contains(group)) continue;
      std::erase_if(garbage.data, [&](const ObjectInfo& object) {
        const auto segment = SegmentOf(object.key);
        if (!segment || GroupOf(timeline_, *segment, size) != group) return false;
        garbage.row.objects--;
        garbage.row.stored_bytes -= object.size;
        return true;
      });
    }
    return Status::Ok();
  }

  Status Break(const WalGroup& group) {
    const Status gone = BreakSeal(repository_, group, ctx_);
    if (gone.ok()) {
      report_.broken.insert(group);
    } else if (gone.code() != Code::kUnavailable && gone.code() != Code::kCancelled && gone.code() != Code::kInternal) {
      stuck_.insert(group);
      report_.stuck.push_back({ExpireAction::kRefused, "seal", layout::SealKey(group), 1, 0,
                               "its WAL stays as long as it does: " + gone.ToString()});
    } else {
      return gone;
    }
    return Status::Ok();
  }

  const Repository& repository_;
  const WalNeed& need_;
  const bool dry_run_;
  const RemoveGarbage& remove_;
  const OpContext& ctx_;
  WalExpiryReport report_;
  std::set<WalGroup> stuck_;
  // Of what is being done.
  std::string_view prefix_;
  const char* what_ = "";
  Timeline timeline_;
  std::vector<UnneededFile> batch_;
  bool run_open_ = false;   // whether the last row is of this timeline and kind
  SegmentNo first_, last_;  // of that row
};

}  // namespace

Result<WalExpiryReport> ExpireWal(const Repository& repository, const WalNeed& need, const WalCatalog& wal,
                                  bool dry_run, const RemoveGarbage& remove, const OpContext& ctx) {
  WalExpiry expiry(repository, need, dry_run, remove, ctx);
  for (const auto& [timeline, held] : wal.timelines())
    PITR_TRY(expiry.Run(layout::kChangeMapPrefix, "change map", timeline));
  PITR_TRY(expiry.BreakUnneeded(wal));
  for (const auto& [timeline, held] : wal.timelines()) PITR_TRY(expiry.Run(layout::kWalPrefix, "wal", timeline));
  return expiry.TakeReport();
}

Status CheckBroken(const Repository& repository, const std::set<WalGroup>& broken, const OpContext& ctx) {
  for (const WalGroup& group : broken) {
    PITR_ASSIGN(const bool again, IsThere(repository.store(), layout::SealKey(group), ctx));
    if (again) PITR_TRY(BreakSeal(repository, group, ctx));
  }
  return Status::Ok();
}

}  // namespace pitr
