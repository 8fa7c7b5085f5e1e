#include "core/expire/inventory.h"

#include <algorithm>

#include "core/pg/timestamp.h"
#include "core/repo/backups/backup_remarks.h"
#include "core/repo/layout.h"
#include "core/repo/maps/page_set.h"
#include "core/store/pending_uploads.h"

namespace pitr {
namespace {

std::string HeldFor(const BackupManifest& backup, const BackupCatalog& catalog, int64_t now_micros) {
  for (const UnfinishedBackup& running : catalog.unfinished)
    if (running.Names(backup.label) && !catalog.expiring.contains(running.label))
      return "backup " + running.label + " builds on it now";
  if (const RestoreHold* hold = catalog.FindHold(backup.label, now_micros))
    return "held for a restore until " + FormatToSecond(hold->EndMicros()) + ": " + hold->held_by;
  const auto pin = catalog.pins.find(backup.label);
  if (pin == catalog.pins.end() || !pin->second.HoldsAt(now_micros)) return "";
  std::string text = "pinned";
  if (pin->second.until_micros != 0) text += " until " + FormatToSecond(pin->second.until_micros);
  return text + (pin->second.reason.empty() ? "" : ": " + pin->second.reason);
}

}  // namespace

Result<Inventory> Inventory::Load(const Repository& repository, const OpContext& ctx) {
  Inventory inventory;
  ObjectStore& store = repository.store();
  PITR_TRY(inventory.ReloadBackups(repository, ctx));
  PITR_TRY(ListAll(store, std::string(layout::kDataPrefix), ctx, [&](const ObjectInfo& object) -> Status {
    if (layout::IsDataKey(object.key)) inventory.packs.push_back(object);
    return Status::Ok();
  }));
  // Others are deleted on account of what counts as restorable.
  PITR_ASSIGN(inventory.wal, WalCatalog::LoadFor(repository, inventory.backups.backups, ctx));
  PITR_TRY(ListAll(store, std::string(layout::kProbePrefix), ctx, [&](const ObjectInfo& object) -> Status {
    inventory.probes.push_back(object);
    return Status::Ok();
  }));
  for (std::string_view prefix :
       {layout::kWalPrefix, layout::kBackupPrefix, layout::kDataPrefix, layout::kProbePrefix}) {
    PITR_ASSIGN(ListedUploads listed, ListUploadsIfAble(store, std::string(prefix), ctx));
    for (PendingUpload& upload : listed.uploads) inventory.uploads.push_back(std::move(upload));
    inventory.uploads_refused = std::move(listed.refused);
    if (!inventory.uploads_refused.ok()) break;
  }
  return inventory;
}

// An expiry elsewhere takes away whatever it likes of what has its mark.
void Inventory::KeepFrom(const BackupCatalog& before) {
  const auto marked = [&](const std::string& label) {
    return before.expiring.contains(label) || backups.expiring.contains(label);
  };
  const auto known = [&](const std::string& label) {
    return backups.Find(label) != nullptr || backups.FindDamaged(label) != nullptr;
  };
  for (const BackupManifest& backup : before.backups)
    if (!known(backup.label) && !marked(backup.label)) vanished.insert(backup.label);
  for (const DamagedBackup& backup : before.damaged)
    if (!known(backup.label) && !marked(backup.label)) vanished.insert(backup.label);
  for (const UnfinishedBackup& unfinished : before.unfinished) {
    const auto same = [&](const UnfinishedBackup& other) { return other.label == unfinished.label; };
    if (!known(unfinished.label) && !marked(unfinished.label) &&
        std::none_of(backups.unfinished.begin(), backups.unfinished.end(), same))
      backups.unfinished.push_back(unfinished);
  }
  for (const auto& [label, pin] : before.pins) backups.pins.try_emplace(label, pin);
  for (const RestoreHold& hold : before.holds) {
    const auto same = [&](const RestoreHold& other) { return other.label == hold.label && other.slot == hold.slot; };
    if (std::none_of(backups.holds.begin(), backups.holds.end(), same)) backups.holds.push_back(hold);
  }
}

Status Inventory::ReloadBackups(const Repository& repository, const OpContext& ctx) {
  const BackupCatalog before = std::move(backups);
  backup_objects.clear();
  PITR_ASSIGN(backups, BackupCatalog::Load(repository, ctx,
                                           [&](const ObjectInfo& object) { backup_objects.push_back(object); }));
  KeepFrom(before);
  return Status::Ok();
}

Status Inventory::CheckAbsences(const Repository& repository, const OpContext& ctx) const {
  std::set<std::string_view> listed;
  PageSet pages;
  for (const ObjectInfo& pack : packs) {
    listed.insert(pack.key);
    pages.Add(pack.key);
  }
  for (const ObjectInfo& object : backup_objects) listed.insert(object.key);
  const auto look = [&](const std::string& key) -> Status {
    const auto found = repository.store().Stat(key, ctx);
    if (!found.ok()) return found.code() == Code::kNotFound ? Status::Ok() : found.status();
    return Status(Code::kUnavailable, "the store has object \"" + key + "\" and did not list it")
        .WithHint("Nothing was deleted. Try again; if it stays so, a cache or gateway before the store is wrong.");
  };
  const auto look_for_pages = [&](const BackupManifest& backup) -> Status {
    Status looked;
    ForEachMapPage(backup, [&](const std::string& key) {
      if (looked.ok() && !pages.Contains(key)) looked = look(key);
    });
    return looked;
  };
  for (const BackupManifest& backup : backups.backups) {
    if (!listed.contains(backup.file_map_key)) PITR_TRY(look(backup.file_map_key));
    for (const PackEntry& pack : backup.packs)
      if (!listed.contains(pack.key)) PITR_TRY(look(pack.key));
    if (!pages.ContainsAll(backup)) PITR_TRY(look_for_pages(backup));
    const auto missing = wal.FirstMissing(backup);
    if (!missing) continue;
    for (const Timeline timeline : std::set{backup.timeline, StopTimeline(backup)})
      PITR_TRY(look(layout::WalKey(SegmentFileName(timeline, *missing, repository.segment_size()))));
  }
  return Status::Ok();
}

RetentionFacts Inventory::Facts(int64_t now_micros, const DamageFinder& damage_of) const {
  std::map<std::string_view, uint64_t> sizes;
  PageSet pages;
  for (const ObjectInfo& pack : packs) {
    sizes[pack.key] = pack.size;
    pages.Add(pack.key);
  }
  std::set<std::string_view> present;
  for (const ObjectInfo& object : backup_objects) present.insert(object.key);
  RetentionFacts facts;
  facts.now_micros = now_micros;
  for (const BackupManifest& backup : backups.backups) {
    BackupFacts fact;
    fact.label = backup.label;
    fact.type = backup.type;
    fact.parent_label = backup.parent_label;
    fact.timeline = backup.timeline;
    fact.stop_timeline = StopTimeline(backup);
    fact.start_lsn = backup.start_lsn;
    fact.stop_lsn = backup.stop_lsn;
    fact.stop_micros = backup.stop_micros;
    if (damage_of) fact.damage = damage_of(backup);
    fact.flaw = DescribePageErrors(backup);
    fact.restorable = fact.damage.empty() && present.contains(backup.file_map_key) && pages.ContainsAll(backup) &&
                      wal.Completes(backup) &&
                      std::all_of(backup.packs.begin(), backup.packs.end(), [&](const PackEntry& pack) {
                        const auto at = sizes.find(pack.key);
                        return at != sizes.end() && at->second == pack.size_bytes;
                      });
    fact.held_for = HeldFor(backup, backups, now_micros);
    fact.held_for_restore = backups.FindHold(backup.label, now_micros) != nullptr;
    facts.backups.push_back(std::move(fact));
  }
  for (const auto& [timeline, held] : wal.timelines()) {
    TimelineFacts fact{timeline, held.history, held.newest_micros, held.undated};
    if (!fact.path && timeline.value == 1) fact.path = TimelineHistory::Root(timeline);
    facts.timelines.push_back(std::move(fact));
  }
  return facts;
}

int64_t Inventory::LastActivity(const UnfinishedBackup& backup) const {
  int64_t last = backup.started_micros;
  const auto take = [&](const std::string& key, int64_t micros) {
    if (layout::LabelOf(key) == backup.label) last = std::max(last, micros == 0 ? INT64_MAX : micros);
  };
  for (const ObjectInfo& object : backup_objects) take(object.key, object.modified_micros);
  for (const ObjectInfo& pack : packs) take(pack.key, pack.modified_micros);
  for (const PendingUpload& upload : uploads) take(upload.key, upload.initiated_micros);
  return last;
}

}  // namespace pitr
