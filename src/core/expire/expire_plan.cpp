#include "core/expire/expire_plan.h"

#include <algorithm>

#include "core/repo/layout.h"
#include "core/repo/maps/page_set.h"

namespace pitr {
namespace {

using layout::BackupObject;

// The keys were checked when they were listed.
std::string LabelOf(const ObjectInfo& object) { return std::string(layout::LabelOf(object.key).value()); }

struct ByLabel {
  std::map<std::string, std::vector<const ObjectInfo*>> objects;
  std::map<std::string, std::vector<const ObjectInfo*>> packs;
};

// Packs and pages of file maps that manifests name.
struct Referenced {
  std::set<std::string_view> packs;
  PageSet pages;
  bool Contains(const std::string& key) const { return packs.contains(key) || pages.Contains(key); }
};

ByLabel GroupByLabel(const Inventory& inventory) {
  ByLabel by;
  for (const ObjectInfo& object : inventory.backup_objects) by.objects[LabelOf(object)].push_back(&object);
  for (const ObjectInfo& pack : inventory.packs) by.packs[LabelOf(pack)].push_back(&pack);
  return by;
}

void Count(const ObjectInfo& object, ExpireRow& row) {
  row.objects++;
  row.stored_bytes += object.size;
}

Garbage Row(std::string what, std::string name, std::string why) {
  Garbage garbage;
  garbage.row = {ExpireAction::kDelete, std::move(what), std::move(name), 0, 0, std::move(why)};
  return garbage;
}

Garbage OfLabel(const Inventory& inventory, const ExpireDecision& decision, const ByLabel& by, const std::string& label,
                const Referenced& referenced) {
  const bool finished = inventory.backups.Find(label) != nullptr || inventory.backups.FindDamaged(label) != nullptr;
  Garbage garbage = Row(finished ? "backup" : "unfinished backup", label, "");
  if (const auto packs = by.packs.find(label); packs != by.packs.end()) {
    for (const ObjectInfo* pack : packs->second) {
      if (referenced.Contains(pack->key)) {
        garbage.shared = true;
      } else {
        garbage.data.push_back(*pack);
        Count(*pack, garbage.row);
      }
    }
  }
  if (const auto objects = by.objects.find(label); objects != by.objects.end()) {
    for (const ObjectInfo* object : objects->second) {
      const auto parts = layout::ParseBackupKey(object->key);
      const bool manifest = parts && parts->object == BackupObject::kManifest;
      const bool files = (parts && parts->object == BackupObject::kFiles) || layout::ParsePartialKey(object->key);
      const bool mark = parts && parts->object == BackupObject::kExpireMark;
      (manifest ? garbage.manifests : files ? garbage.data : mark ? garbage.marks : garbage.rest).push_back(*object);
      // A dry run, which makes no marks, tells the same.
      const bool own = mark && decision.own_marks.contains(label);
      if (!own && (manifest || files || !garbage.shared)) Count(*object, garbage.row);
    }
  }
  return garbage;
}

// Of backups that have their manifest and stay: partial maps, whose writer ended before he could remove them.
void AddOldPartials(const ByLabel& by, const Inventory& inventory, const ExpireDecision& decision,
                    std::vector<Garbage>& out) {
  for (const auto& [label, objects] : by.objects) {
    if (inventory.backups.Find(label) == nullptr || decision.gone.contains(label)) continue;
    Garbage garbage = Row("partial map", layout::PartialPrefix(label), "the backup is complete");
    for (const ObjectInfo* object : objects) {
      if (!layout::ParsePartialKey(object->key)) continue;
      garbage.data.push_back(*object);
      Count(*object, garbage.row);
    }
    if (!garbage.data.empty()) out.push_back(std::move(garbage));
  }
}

// Restores leave their last hold behind.
void AddEndedHolds(const ByLabel& by, const Inventory& inventory, const ExpireDecision& decision,
                   std::vector<Garbage>& out) {
  std::map<std::string, Garbage> ended;
  for (const RestoreHold& hold : inventory.backups.holds) {
    if (inventory.backups.Find(hold.label) == nullptr || decision.gone.contains(hold.label) ||
        hold.HoldsAt(decision.facts.now_micros))
      continue;
    const std::string key = layout::HoldKey(hold.label, hold.slot);
    Garbage& garbage = ended.try_emplace(hold.label, Row("restore hold", hold.label, "it has ended")).first->second;
    for (const ObjectInfo* object : by.objects.at(hold.label)) {
      if (object->key != key) continue;
      garbage.data.push_back(*object);
      Count(*object, garbage.row);
    }
  }
  for (auto& [label, garbage] : ended) out.push_back(std::move(garbage));
}

// Packs and other objects of labels that are no backup, neither finished nor not.
void AddOrphans(const Inventory& inventory, const ByLabel& by, const Referenced& referenced, int64_t old_since_micros,
                std::vector<Garbage>& out) {
  std::set<std::string_view> unfinished;
  for (const UnfinishedBackup& backup : inventory.backups.unfinished) unfinished.insert(backup.label);
  for (const auto& [label, packs] : by.packs) {
    if (unfinished.contains(label)) continue;
    Garbage garbage = Row("pack", layout::DataPrefix(label), "no backup refers to it");
    for (const ObjectInfo* pack : packs) {
      if (referenced.Contains(pack->key) || !WasThereAt(pack->modified_micros, old_since_micros)) continue;
      garbage.data.push_back(*pack);
      Count(*pack, garbage.row);
    }
    if (!garbage.data.empty()) out.push_back(std::move(garbage));
  }
  for (const auto& [label, objects] : by.objects) {
    const bool known = std::any_of(objects.begin(), objects.end(), [&](const ObjectInfo* object) {
      const auto parts = layout::ParseBackupKey(object->key);
      return parts && (parts->object == BackupObject::kStart || parts->object == BackupObject::kManifest);
    });
    Garbage garbage = Row("unfinished backup", label, "what is left of a deleted backup");
    for (const ObjectInfo* object : objects) {
      // Of a mark alone nothing depends: whoever looks for it finds no start object and no manifest either.
      const auto parts = layout::ParseBackupKey(object->key);
      const bool mark = parts && parts->object == BackupObject::kExpireMark;
      if (known || (!mark && !WasThereAt(object->modified_micros, old_since_micros))) continue;
      garbage.rest.push_back(*object);
      Count(*object, garbage.row);
    }
    if (!garbage.rest.empty()) out.push_back(std::move(garbage));
  }
}

}  // namespace

std::vector<Garbage> BackupGarbage(const Inventory& inventory, const ExpireDecision& decision,
                                   const ExpireRequest& request) {
  std::vector<Garbage> out;
  if (!decision.blocked.empty()) return out;
  const ByLabel by = GroupByLabel(inventory);
  Referenced referenced;
  for (const BackupManifest& backup : inventory.backups.backups) {
    if (decision.gone.contains(backup.label)) continue;
    for (const PackEntry& pack : backup.packs) referenced.packs.insert(pack.key);
    referenced.pages.AddAll(backup);
  }
  // Packs of labels that are being deleted are part of them, the others' are orphans.
  Referenced not_orphans = referenced;
  for (const auto& [label, why] : decision.gone) {
    Garbage garbage = OfLabel(inventory, decision, by, label, referenced);
    garbage.row.why = why;
    if (const auto packs = by.packs.find(label); packs != by.packs.end())
      for (const ObjectInfo* pack : packs->second) not_orphans.packs.insert(pack->key);
    // What an earlier run had to leave because of other backups, and still has to.
    if (garbage.row.objects > 0) out.push_back(std::move(garbage));
  }
  if (!decision.sweeps) return out;
  AddOldPartials(by, inventory, decision, out);
  AddEndedHolds(by, inventory, decision, out);
  AddOrphans(inventory, by, not_orphans, decision.facts.now_micros - request.leftover_age_micros, out);
  return out;
}

std::vector<Garbage> ProbeGarbage(const Inventory& inventory, int64_t old_since_micros) {
  std::vector<Garbage> out;
  for (const ObjectInfo& probe : inventory.probes) {
    if (!WasThereAt(probe.modified_micros, old_since_micros)) continue;
    if (out.empty()) out.push_back(Row("probe", std::string(layout::kProbePrefix), "left by a test of the store"));
    out[0].data.push_back(probe);
    Count(probe, out[0].row);
  }
  return out;
}

std::vector<PendingUpload> OldUploads(const std::vector<PendingUpload>& uploads, const Inventory& inventory,
                                      const ExpireDecision& decision, int64_t old_since_micros) {
  std::set<std::string> at_work;
  for (const UnfinishedBackup& backup : inventory.backups.unfinished)
    if (!decision.gone.contains(backup.label)) at_work.insert(backup.label);
  std::vector<PendingUpload> old;
  for (const PendingUpload& upload : uploads) {
    const bool of_backup = layout::ParseBackupKey(upload.key) || layout::ParsePinKey(upload.key) ||
                           layout::ParseHoldKey(upload.key) || layout::ParsePartialKey(upload.key) ||
                           layout::IsDataKey(upload.key);
    const bool known = of_backup || layout::WalNameOfKey(upload.key) || layout::ParsePartialSegmentKey(upload.key) ||
                       upload.key.starts_with(layout::kProbePrefix);
    if (!known) continue;
    const std::string label(of_backup ? layout::LabelOf(upload.key).value() : "");
    if (of_backup && at_work.contains(label)) continue;
    if (WasThereAt(upload.initiated_micros, old_since_micros) || (of_backup && decision.gone.contains(label)))
      old.push_back(upload);
  }
  return old;
}

}  // namespace pitr
