#include "core/repo/backups/backup_catalog.h"

#include <algorithm>
#include <functional>
#include <mutex>
#include <set>
#include <vector>

#include "core/base/ascii.h"
#include "core/base/parallel_for.h"
#include "core/base/process_name.h"
#include "core/base/thread.h"
#include "core/repo/envelope/json_fields.h"
#include "core/repo/layout.h"
#include "core/store/absence.h"

namespace pitr {
namespace {

constexpr int kReaders = 8;  // objects read at the same time
constexpr size_t kMaxStartBytes = size_t{1} << 20;
constexpr size_t kMaxResumed = 50;

// Whether the object can be asked for again with another answer: then the catalogue cannot be complete.
bool IsDamage(const Status& status) {
  return status.code() == Code::kCorruption || status.code() == Code::kInvalidArgument ||
         status.code() == Code::kConflict;
}

// What one label's object says, read by a pool thread into a slot of its own.
struct Slot {
  std::string label;
  bool finished = false;
  bool gone = false;  // deleted between listing and reading
  Status status;
  BackupManifest manifest;
  UnfinishedBackup unfinished;
};

// A start object that cannot be read still says that something was started.
Status ReadStart(const Repository& repository, Slot& slot, const OpContext& ctx) {
  const std::string key = layout::BackupKey(slot.label, layout::BackupObject::kStart);
  slot.unfinished.label = slot.label;
  PITR_ASSIGN(const Bytes plain, repository.ReadObject(ObjectKind::kBackupStart, key, kMaxStartBytes, ctx));
  PITR_ASSIGN(const Json document, ParseJsonObject(AsText(plain), "object \"" + key + "\""));
  const JsonFields fields(document, "object \"" + key + "\"");
  PITR_TRY(fields.Signed("started_micros", slot.unfinished.started_micros));
  PITR_TRY(fields.OptionalText("parent", slot.unfinished.parent_label));
  if (fields.Has("resumes")) PITR_TRY(fields.Texts("resumes", slot.unfinished.resumes));
  PITR_TRY(fields.OptionalText("started_by", slot.unfinished.started_by));
  const auto process = ProcessOfThisHost(slot.unfinished.started_by);
  slot.unfinished.ended = process && !MayRun(*process);
  return Status::Ok();
}

void ReadSlot(const Repository& repository, Slot& slot, const OpContext& ctx) {
  slot.status = Guarded([&]() -> Status {
    PITR_TRY(ctx.Check());
    if (!slot.finished) return ReadStart(repository, slot, ctx);
    PITR_ASSIGN(slot.manifest, ReadManifest(repository, slot.label, ctx));
    return Status::Ok();
  });
  const auto object = slot.finished ? layout::BackupObject::kManifest : layout::BackupObject::kStart;
  slot.status = OrConfirmed(repository.store(), layout::BackupKey(slot.label, object), std::move(slot.status), ctx);
  slot.gone = slot.status.code() == Code::kNotFound;
}

struct ListedHold {
  layout::SlotKeyParts key;
  int64_t created_micros = 0;
};

struct Listing {
  std::vector<Slot> slots;
  std::vector<layout::SlotKeyParts> pins;
  std::vector<ListedHold> holds;
  std::set<std::string> expiring;
  std::set<std::string> alone;
  std::map<std::string, std::vector<uint32_t>> partials;  // numbers of packs by label
};

Result<Listing> ListLabels(const Repository& repository, const OpContext& ctx, const BackupCatalog::EachObject& each) {
  Listing listing;
  std::map<std::string, bool> labels;  // whether there is a manifest
  PITR_TRY(ListAll(repository.store(), std::string(layout::kBackupPrefix), ctx, [&](const ObjectInfo& object) {
    auto pin = layout::ParsePinKey(object.key);
    auto hold = layout::ParseHoldKey(object.key);
    const auto partial = layout::ParsePartialKey(object.key);
    const auto parts = layout::ParseBackupKey(object.key);
    if (pin) {
      listing.pins.push_back(*std::move(pin));
    } else if (hold) {
      listing.holds.push_back({*std::move(hold), object.modified_micros});
    } else if (partial) {
      listing.partials[partial->label].push_back(partial->pack);
    } else if (!parts) {
      repository.log().Warning("object \"" + object.key + "\" does not belong to a backup");
      return Status::Ok();
    } else if (parts->object == layout::BackupObject::kExpireMark) {
      listing.expiring.insert(parts->label);
    } else if (parts->object == layout::BackupObject::kAloneMark) {
      listing.alone.insert(parts->label);
    } else {
      labels[parts->label] |= parts->object == layout::BackupObject::kManifest;
    }
    if (each) each(object);
    return Status::Ok();
  }));
  for (const auto& [label, finished] : labels) {
    Slot& slot = listing.slots.emplace_back();
    slot.label = label;
    slot.finished = finished;
  }
  return listing;
}

Status ReadPins(const Repository& repository, const std::vector<layout::SlotKeyParts>& keys, BackupCatalog& catalog,
                const OpContext& ctx) {
  std::mutex mutex;
  return ParallelFor(kReaders, keys.size(), ctx, [&](size_t i, int) -> Status {
    auto pin = ReadPin(repository, keys[i].label, keys[i].slot, ctx);
    if (pin.code() == Code::kNotFound) return Status::Ok();  // removed since it was listed
    if (!pin.ok()) return std::move(pin).status().Annotate("reading the list of pins");
    std::lock_guard lock(mutex);
    const auto [at, added] = catalog.pins.try_emplace(keys[i].label, pin.value());
    const bool newer = !pin.value().readable || pin.value().pinned_micros > at->second.pinned_micros;
    if (!added && at->second.readable && newer) at->second = std::move(pin).value();
    return Status::Ok();
  });
}

Status ReadHolds(const Repository& repository, const std::vector<ListedHold>& listed, BackupCatalog& catalog,
                 const OpContext& ctx) {
  std::mutex mutex;
  return ParallelFor(kReaders, listed.size(), ctx, [&](size_t i, int) -> Status {
    auto hold = ReadHold(repository, listed[i].key.label, listed[i].key.slot, listed[i].created_micros, ctx);
    if (hold.code() == Code::kNotFound) return Status::Ok();  // removed since it was listed
    if (!hold.ok()) return std::move(hold).status().Annotate("reading the list of restore holds");
    std::lock_guard lock(mutex);
    catalog.holds.push_back(std::move(hold).value());
    return Status::Ok();
  });
}

// The pool is gone, and with it every task, when this returns.
Status ReadAll(const Repository& repository, std::vector<Slot>& slots, const OpContext& ctx) {
  if (slots.empty()) return Status::Ok();
  PITR_ASSIGN(const std::unique_ptr<ThreadPool> pool,
              ThreadPool::Start(static_cast<int>(std::min<size_t>(kReaders, slots.size()))));
  for (Slot& slot : slots) pool->Submit([&repository, &slot, &ctx] { ReadSlot(repository, slot, ctx); });
  return Status::Ok();
}

template <class T>
const T* FindLabel(const std::vector<T>& list, std::string_view label) {
  const auto at = std::find_if(list.begin(), list.end(), [&](const T& each) { return each.label == label; });
  return at == list.end() ? nullptr : &*at;
}

}  // namespace

Result<BackupCatalog> BackupCatalog::Load(const Repository& repository, const OpContext& ctx, const EachObject& each) {
  PITR_ASSIGN(Listing listing, ListLabels(repository, ctx, each));
  PITR_TRY(ReadAll(repository, listing.slots, ctx));
  BackupCatalog catalog;
  catalog.expiring = std::move(listing.expiring);
  catalog.alone = std::move(listing.alone);
  PITR_TRY(ReadPins(repository, listing.pins, catalog, ctx));
  PITR_TRY(ReadHolds(repository, listing.holds, catalog, ctx));
  for (Slot& slot : listing.slots) {
    if (slot.gone) continue;
    if (!slot.status.ok() && !IsDamage(slot.status))
      return std::move(slot.status).Annotate("reading the list of backups");
    if (!slot.finished) {
      slot.unfinished.problem = std::move(slot.status);
      slot.unfinished.partial_packs = std::move(listing.partials[slot.label]);
      catalog.unfinished.push_back(std::move(slot.unfinished));
    } else if (slot.status.ok()) {
      catalog.backups.push_back(std::move(slot.manifest));
    } else {
      catalog.damaged.push_back({std::move(slot.label), std::move(slot.status)});
    }
  }
  std::stable_sort(catalog.backups.begin(), catalog.backups.end(),
                   [](const BackupManifest& a, const BackupManifest& b) { return a.stop_micros < b.stop_micros; });
  return catalog;
}

ResumeCandidates FindResumeCandidates(const BackupCatalog& catalog) {
  ResumeCandidates found;
  if (catalog.unfinished.empty()) return found;
  std::set<std::string_view> unfinished;
  for (const UnfinishedBackup& backup : catalog.unfinished) unfinished.insert(backup.label);
  const BackupManifest* newest = nullptr;  // full backup
  for (const BackupManifest& backup : catalog.backups) {
    for (const PackEntry& pack : backup.packs)
      if (const auto label = layout::LabelOf(pack.key); label && unfinished.contains(*label))
        found.taken_over.emplace(*label, backup.label);
    const bool newer = newest == nullptr || backup.start_micros > newest->start_micros;
    if (backup.type == BackupType::kFull && newer) newest = &backup;
  }
  std::vector<const UnfinishedBackup*> candidates;
  for (const UnfinishedBackup& backup : catalog.unfinished) {
    if (backup.partial_packs.empty() || catalog.expiring.contains(backup.label)) continue;
    if (!backup.problem.ok()) {
      found.passed_over[backup.label] = "its start object cannot be read: " + backup.problem.message();
    } else if (const auto by = found.taken_over.find(backup.label); by != found.taken_over.end()) {
      found.passed_over[backup.label] = "it was taken over by backup " + Quoted(by->second) + " already";
    } else if (newest != nullptr && newest->start_micros > backup.started_micros) {
      found.passed_over[backup.label] = "it is older than the full backup " + Quoted(newest->label);
    } else {
      candidates.push_back(&backup);
    }
  }
  std::stable_sort(candidates.begin(), candidates.end(), [](const UnfinishedBackup* a, const UnfinishedBackup* b) {
    return a->started_micros > b->started_micros;
  });
  for (const UnfinishedBackup* backup : candidates) {
    if (found.labels.size() < kMaxResumed) {
      found.labels.push_back(backup->label);
    } else {
      found.passed_over[backup->label] = "there are " + std::to_string(kMaxResumed) + " newer ones";
    }
  }
  return found;
}

bool UnfinishedBackup::Names(std::string_view other) const {
  return parent_label == other || std::find(resumes.begin(), resumes.end(), other) != resumes.end();
}

const BackupManifest* BackupCatalog::Find(std::string_view label) const { return FindLabel(backups, label); }

const DamagedBackup* BackupCatalog::FindDamaged(std::string_view label) const { return FindLabel(damaged, label); }

const UnfinishedBackup* BackupCatalog::FindUnfinished(std::string_view label) const {
  return FindLabel(unfinished, label);
}

const RestoreHold* BackupCatalog::FindHold(std::string_view label, int64_t wall_micros) const {
  const RestoreHold* found = nullptr;
  for (const RestoreHold& hold : holds) {
    if (hold.label != label || !hold.HoldsAt(wall_micros)) continue;
    if (found == nullptr || hold.EndMicros() > found->EndMicros()) found = &hold;
  }
  return found;
}

}  // namespace pitr
