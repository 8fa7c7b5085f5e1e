#include "core/expire/expire.h"

#include <algorithm>
#include <array>

#include "core/base/kdf.h"
#include "core/base/parallel_for.h"
#include "core/expire/delete_objects.h"
#include "core/expire/wal_expiry.h"
#include "core/repo/archive/wal_sealer.h"
#include "core/repo/backups/expire_mark.h"
#include "core/repo/layout.h"
#include "core/store/absence.h"
#include "core/store/pending_uploads.h"

namespace pitr {
namespace {

constexpr int kMarkers = 8;  // marks created at the same time
constexpr int kUploadRounds = 100;
constexpr int64_t kClockWarningMicros = int64_t{3600} * 1000000;

// The earlier of this machine's time and the store's, so that a clock that is ahead makes nothing look old.
Result<int64_t> CautiousNow(const Repository& repository, const OpContext& ctx) {
  std::array<uint8_t, 8> random;
  PITR_TRY(RandomBytes(random));
  const std::string key = std::string(layout::kProbePrefix) + "expire-" + ToHex(random);
  ObjectStore& store = repository.store();
  PITR_TRY(store.Create(key, AsBytes("what time is it"), ctx));
  const int64_t here = ctx.clock->WallMicros();
  auto probe = store.Stat(key, ctx);
  // Some stores write a moment differently in a listing.
  if (probe.ok() && probe.value().modified_micros == 0) {
    const auto listed = store.List(key, "", ctx);
    if (listed.ok() && !listed.value().objects.empty()) probe = listed.value().objects.front();
  }
  const Status removed = store.Delete({key}, ctx);
  if (!removed.ok()) repository.log().Warning("could not remove \"" + key + "\": " + removed.ToString());
  if (!probe.ok()) return std::move(probe).status();
  const int64_t there = probe.value().modified_micros;
  if (there == 0) return here;
  if (std::abs(here - there) > kClockWarningMicros)
    repository.log().Warning("the clocks of this machine and of the store differ by " +
                             std::to_string(std::abs(here - there) / 1000000) + " s; the earlier one is used");
  return std::min(here, there);
}

class ExpireRun {
 public:
  ExpireRun(const Repository& repository, const ExpireRequest& request, const OpContext& ctx)
      : repository_(repository), request_(request), ctx_(ctx) {}

  Result<ExpireReport> Run() {
    PITR_ASSIGN(inventory_, Inventory::Load(repository_, ctx_));
    PITR_TRY(inventory_.CheckAbsences(repository_, ctx_));
    if (!inventory_.uploads_refused.ok()) WarnOfUploadsLeft(inventory_.uploads_refused, repository_.log());
    int64_t now = ctx_.clock->WallMicros();
    if (!request_.dry_run) { PITR_ASSIGN(now, CautiousNow(repository_, ctx_)); }
    PITR_ASSIGN(decision_, Decide(inventory_, request_, now));
    if (!request_.dry_run) PITR_TRY(MarkAndLookAgain(now));
    if (!request_.dry_run) PITR_TRY(SettleKept());
    report_.rows = decision_.blocked;
    report_.rows.insert(report_.rows.end(), decision_.kept.begin(), decision_.kept.end());
    PITR_TRY(ExpireBackups());
    PITR_TRY(ExpireUnneededWal());
    if (decision_.sweeps) PITR_TRY(TakeMarksBack(now - request_.leftover_age_micros));
    if (decision_.sweeps) PITR_TRY(Sweep(now - request_.leftover_age_micros));
    if (!request_.dry_run) Seal();
    report_.rows.insert(report_.rows.end(), refused_.begin(), refused_.end());
    return std::move(report_);
  }

 private:
  // What is found to be needed after it was marked stays; what is found to be garbage without a mark waits for the next
  // run. Without marks the second look is worth its requests as well: nothing is deleted on one listing.
  Status MarkAndLookAgain(int64_t now) {
    PITR_TRY(ConfirmUnfinished());
    const std::map<std::string, std::string> marked = decision_.gone;
    const std::set<std::string> begun = inventory_.backups.expiring;  // by an earlier run
    std::vector<std::pair<std::string, layout::BackupObject>> marks;
    for (const auto& [label, why] : marked) marks.emplace_back(label, layout::BackupObject::kExpireMark);
    for (const std::string& label : decision_.to_mark_alone)
      marks.emplace_back(label, layout::BackupObject::kAloneMark);
    PITR_TRY(ParallelFor(kMarkers, marks.size(), ctx_, [&](size_t i, int) {
      return CreateMark(repository_, marks[i].first, marks[i].second, request_.by, ctx_);
    }));
    PITR_TRY(inventory_.ReloadBackups(repository_, ctx_));
    auto again = Decide(inventory_, request_, now);
    if (!again.ok()) return std::move(again).status();
    decision_ = std::move(again).value();
    for (size_t i = 0; i < decision_.verdicts.size(); i++) {
      const std::string& label = decision_.facts.backups[i].label;
      const Keep keep = decision_.verdicts[i].keep;
      if ((keep == Keep::kNo && !marked.contains(label)) || decision_.to_mark_alone.contains(label))
        decision_.verdicts[i] = {Keep::kWindow, "left to the next run"};
    }
    std::erase_if(decision_.gone, [&](const auto& one) { return !marked.contains(one.first); });
    for (const auto& [label, why] : decision_.gone)
      if (!begun.contains(label)) decision_.own_marks.insert(label);
    // To the second look what has this run's own mark was being deleted.
    for (const UnfinishedBackup& unfinished : inventory_.backups.unfinished)
      if (const auto gone = decision_.gone.find(unfinished.label); gone != decision_.gone.end())
        gone->second = marked.at(unfinished.label);
    return Status::Ok();
  }

  // What stays must not be less durable than what goes on its account.
  Status SettleKept() {
    std::vector<std::string> keys;
    for (const BackupManifest& backup : inventory_.backups.backups)
      if (!decision_.gone.contains(backup.label))
        keys.push_back(layout::BackupKey(backup.label, layout::BackupObject::kManifest));
    return repository_.store().Settle(keys, ctx_);
  }

  // A backup whose manifest was left out of the listing looks like one that never finished.
  Status ConfirmUnfinished() {
    for (const UnfinishedBackup& unfinished : inventory_.backups.unfinished) {
      if (!decision_.gone.contains(unfinished.label)) continue;
      const std::string key = layout::BackupKey(unfinished.label, layout::BackupObject::kManifest);
      const auto manifest = repository_.store().Stat(key, ctx_);
      if (manifest.ok()) decision_.gone.erase(unfinished.label);
      if (!manifest.ok() && manifest.code() != Code::kNotFound) return manifest.status();
    }
    return Status::Ok();
  }

  Status ExpireBackups() {
    std::vector<Garbage> garbage = BackupGarbage(inventory_, decision_, request_);
    if (!request_.dry_run) {
      for (Garbage& of : garbage) {
        if (of.manifests.empty()) continue;
        // Somebody who keeps the backup may have taken the mark, of an expiry that was killed, for left behind.
        const std::string mark = layout::BackupKey(of.row.name, layout::BackupObject::kExpireMark);
        PITR_ASSIGN(const bool marked, IsThere(repository_.store(), mark, ctx_));
        if (!marked) {
          KeepAfterAll(of.row.name, "its mark was taken back meanwhile");
          continue;
        }
        PITR_ASSIGN(const size_t refused, Delete(of.manifests, of.row));
        if (refused > 0) KeepAfterAll(of.row.name, "its manifest could not be deleted");
      }
      garbage = BackupGarbage(inventory_, decision_, request_);
    }
    for (Garbage& of : garbage) {
      PITR_TRY(DeleteLabel(of));
      report_.rows.push_back(of.row);
      if (!request_.dry_run) repository_.log().Info("expired " + of.row.what + " " + of.row.name + ": " + of.row.why);
    }
    return Status::Ok();
  }

  Status ExpireUnneededWal() {
    if (!decision_.expires_wal || decision_.facts.backups.empty()) return Status::Ok();
    const WalNeed need =
        WalNeed::Make(decision_.facts, decision_.verdicts,
                      {repository_.segment_size(), decision_.facts.now_micros - request_.leftover_age_micros});
    const auto remove = [&](Garbage& garbage) {
      return request_.dry_run ? Status::Ok() : Delete(garbage.data, garbage.row).status();
    };
    PITR_ASSIGN(WalExpiryReport wal, ExpireWal(repository_, need, inventory_.wal, request_.dry_run, remove, ctx_));
    report_.rows.insert(report_.rows.end(), wal.rows.begin(), wal.rows.end());
    refused_.insert(refused_.end(), wal.stuck.begin(), wal.stuck.end());
    broken_ = std::move(wal.broken);
    return CheckBroken(repository_, broken_, ctx_);
  }

  // An aid: the next expiry does what this one cannot.
  void Seal() {
    const Status sealed = SealWholeGroups(repository_, inventory_.wal, broken_, ctx_);
    if (!sealed.ok()) repository_.log().Warning("old WAL was not sealed: " + sealed.ToString());
  }

  // The backup still exists: what it refers to stays, and its WAL.
  void KeepAfterAll(const std::string& label, const std::string& why) {
    decision_.gone.erase(label);
    for (size_t i = 0; i < decision_.verdicts.size(); i++)
      if (decision_.facts.backups[i].label == label) decision_.verdicts[i] = {Keep::kAlone, why};
  }

  Status DeleteLabel(Garbage& of) {
    if (request_.dry_run) return Status::Ok();
    PITR_TRY(AbortUploads(OfLabel(of.row.name)).status());
    PITR_ASSIGN(const size_t refused, Delete(of.data, of.row));
    if (of.shared || refused > 0) return Status::Ok();
    PITR_ASSIGN(const size_t rest_refused, Delete(of.rest, of.row));
    if (rest_refused > 0) return Status::Ok();
    ExpireRow uncounted = of.row;
    return Delete(of.marks, decision_.own_marks.contains(of.row.name) ? uncounted : of.row).status();
  }

  Status DeleteSimple(Garbage& garbage) {
    if (!request_.dry_run) PITR_TRY(Delete(garbage.data, garbage.row).status());
    if (garbage.row.objects > 0) report_.rows.push_back(garbage.row);
    return Status::Ok();
  }

  // Deletes and takes what was refused out of the row, into rows of its own. How many those are.
  Result<size_t> Delete(const std::vector<ObjectInfo>& objects, ExpireRow& row) {
    std::vector<std::string> keys;
    for (const ObjectInfo& object : objects) keys.push_back(object.key);
    auto refused = DeleteObjects(repository_.store(), keys, ctx_);
    if (!refused.ok()) return std::move(refused).status().Annotate("expiring " + row.what + " " + row.name);
    for (const ObjectInfo& object : objects) {
      const auto status = refused.value().find(object.key);
      if (status == refused.value().end()) continue;
      row.objects -= std::min<uint64_t>(row.objects, 1);
      row.stored_bytes -= std::min(row.stored_bytes, object.size);
      AddRefused(row.what, object, status->second);
    }
    return refused.value().size();
  }

  void AddRefused(const std::string& what, const ObjectInfo& object, const Status& status) {
    if (refused_.size() <= kMaxRefusedDeletions) {
      refused_.push_back({ExpireAction::kRefused, what, object.key, 1, object.size, status.ToString()});
      return;
    }
    ExpireRow& others = refused_.back();
    others.name = "others";
    others.what = "object";
    others.objects++;
    others.stored_bytes += object.size;
  }

  std::vector<PendingUpload> OfLabel(const std::string& label) const {
    std::vector<PendingUpload> uploads;
    for (const PendingUpload& upload : inventory_.uploads)
      if (layout::LabelOf(upload.key) == label) uploads.push_back(upload);
    return uploads;
  }

  // How many of them the store would not abort.
  Result<size_t> AbortUploads(const std::vector<PendingUpload>& uploads) {
    size_t count = 0;
    for (const PendingUpload& upload : uploads) {
      Status refused;
      PITR_TRY(AbortUploadIfAble(repository_.store(), upload, &refused, ctx_));
      if (refused.ok()) continue;
      AddRefused("upload", {upload.key, 0, 0}, refused);
      count++;
    }
    return count;
  }

  // An expiry that was killed, perhaps one with other settings, left them on backups that these settings keep; and so
  // did this one, where it found at its second look that somebody needs what it had marked.
  Status TakeMarksBack(int64_t old_since) {
    if (!decision_.blocked.empty()) return Status::Ok();
    for (const std::string& label : inventory_.backups.expiring) {
      if (inventory_.backups.Find(label) == nullptr || decision_.gone.contains(label)) continue;
      const std::string key = layout::BackupKey(label, layout::BackupObject::kExpireMark);
      const auto at = std::find_if(inventory_.backup_objects.begin(), inventory_.backup_objects.end(),
                                   [&](const ObjectInfo& object) { return object.key == key; });
      if (at == inventory_.backup_objects.end()) continue;
      PITR_ASSIGN(const auto mark, ReadMark(repository_, label, layout::BackupObject::kExpireMark, ctx_));
      const bool own = mark && mark->marked_by == request_.by;
      if (!mark || !(own || IsLeftBehind(*mark, at->modified_micros, old_since))) continue;
      Garbage taken{.row = {ExpireAction::kDelete, "expire mark", label, 1, at->size,
                            "the expiry that made it has ended, and the backup stays"},
                    .data = {*at}};
      PITR_TRY(DeleteSimple(taken));
    }
    return Status::Ok();
  }

  Status Sweep(int64_t old_since) {
    for (Garbage& probes : ProbeGarbage(inventory_, old_since)) PITR_TRY(DeleteSimple(probes));
    ExpireRow row{ExpireAction::kDelete, "upload", "unfinished uploads", 0, 0, "begun long ago and never completed"};
    std::vector<PendingUpload> uploads = OldUploads(inventory_.uploads, inventory_, decision_, old_since);
    // A store lists so many at a time.
    for (int round = 0; !uploads.empty() && round < kUploadRounds; round++) {
      row.objects += uploads.size();
      if (request_.dry_run) break;
      PITR_ASSIGN(const size_t refused, AbortUploads(uploads));
      row.objects -= refused;
      if (refused > 0 || uploads.size() < kMaxListPage) break;
      PITR_ASSIGN(const ListedUploads listed, ListUploadsIfAble(repository_.store(), "", ctx_));
      uploads = OldUploads(listed.uploads, inventory_, decision_, old_since);
    }
    if (row.objects > 0) report_.rows.push_back(row);
    return Status::Ok();
  }

  const Repository& repository_;
  const ExpireRequest& request_;
  const OpContext& ctx_;
  Inventory inventory_;
  ExpireDecision decision_;
  ExpireReport report_;
  std::vector<ExpireRow> refused_;
  std::set<WalGroup> broken_;  // groups whose seals were broken
};

}  // namespace

bool ExpireReport::Complete() const {
  return std::none_of(rows.begin(), rows.end(), [](const ExpireRow& row) {
    return row.action == ExpireAction::kRefused || row.action == ExpireAction::kBlocked;
  });
}

Result<ExpireReport> Expire(const Repository& repository, const ExpireRequest& request, const OpContext& ctx) {
  if (!request.dry_run) repository.store().OpenReserve();
  auto report = ExpireRun(repository, request, ctx).Run();
  if (!request.dry_run) {
    const Status refilled = repository.store().RefillReserve();
    if (!refilled.ok()) repository.log().Warning("no space is kept for the next expiry: " + refilled.message());
  }
  if (!report.ok()) return std::move(report).status().Annotate(request.dry_run ? "planning an expiry" : "expiring");
  return report;
}

}  // namespace pitr
