#include "core/verify/listing.h"

#include <algorithm>
#include <set>

#include "core/base/describe_size.h"
#include "core/pg/timestamp.h"
#include "core/repo/archive/wal_listing.h"
#include "core/repo/backups/backup_remarks.h"
#include "core/repo/layout.h"
#include "core/repo/wal/partial_segment.h"
#include "core/store/absence.h"

namespace pitr {
namespace {

constexpr char kPutBackIfAny[] = "Put the object back from a copy of the repository, if there is one.";
constexpr size_t kMaxUnknownNamed = 20;

struct Label {
  bool start = false;
  bool files = false;
  bool manifest = false;
  bool expiring = false;  // marked to be deleted
  uint64_t partials = 0;  // maps of single packs, from which a later backup can go on
  bool listed_packs = false;
  uint64_t unlisted_packs = 0, unlisted_pages = 0;
  uint64_t unlisted_bytes = 0;
};

class ListingTaker {
 public:
  ListingTaker(const Repository& repository, const VerifyRequest& request, const BackupCatalog& catalog,
               const std::vector<VerifyRecord>& earlier, const std::map<WalGroup, WalSeal>& sealed, CheckedPacks& table,
               FindingList& findings)
      : repository_(repository),
        request_(request),
        catalog_(catalog),
        earlier_(earlier),
        sealed_(sealed),
        table_(table),
        findings_(findings),
        resumable_(FindResumeCandidates(catalog)) {}

  Result<VerifyListing> Run(const OpContext& ctx) {
    for (const std::string& prefix : Prefixes())
      PITR_TRY(ListAllBut(repository_.store(), prefix, SealedBelow(prefix), ctx,
                          [&](const ObjectInfo& object) { return See(object); }));
    for (const auto& [group, seal] : sealed_) {
      listing_.wal_objects += SegmentsInGroup(repository_.segment_size());
      listing_.wal_bytes += seal.stored_bytes;
    }
    PITR_TRY(LookAgain(ctx));
    PITR_TRY(CheckSeals(ctx));
    CheckPacks();
    for (const auto& [name, label] : labels_) CheckLabel(name, label);
    if (unknown_ > kMaxUnknownNamed) {
      AddWarning("unknown", "",
                 "There are " + std::to_string(unknown_) + " objects that are not pg_pitr's; the first " +
                     std::to_string(kMaxUnknownNamed) + " are named.",
                 "");
    }
    return std::move(listing_);
  }

 private:
  std::set<std::string> Prefixes() const {
    if (request_.scope == VerifyScope::kAll) return {""};
    if (request_.scope == VerifyScope::kWal)
      return {std::string(layout::kWalPrefix), std::string(layout::kChangeMapPrefix), std::string(layout::kSealPrefix)};
    std::set<std::string> prefixes = {layout::BackupPrefix(request_.label)};
    for (const TabledPack& pack : table_.packs) prefixes.insert(layout::PrefixOf(pack.key));
    for (const TabledPage& page : table_.pages) prefixes.insert(layout::DataPrefix(page.page.label));
    return prefixes;
  }

  std::vector<KeyRange> SealedBelow(const std::string& prefix) const {
    std::vector<KeyRange> all;
    for (const std::string_view of : {layout::kChangeMapPrefix, layout::kWalPrefix}) {
      if (request_.scope == VerifyScope::kBackup || !of.starts_with(prefix)) continue;
      const std::vector<KeyRange> ranges = SealedKeys(of, sealed_);
      all.insert(all.end(), ranges.begin(), ranges.end());
    }
    return all;
  }

  Status See(const ObjectInfo& object) {
    ++listing_.objects;
    const std::string_view key = object.key;
    if (key.starts_with(layout::kWalPrefix)) return SeeWal(object);
    if (key.starts_with(layout::kChangeMapPrefix)) return SeeChangeMap(object);
    if (const auto backup = layout::ParseBackupKey(key)) {
      Label& label = labels_[backup->label];
      if (backup->object == layout::BackupObject::kExpireMark) {
        label.expiring = true;
        listing_.aside.push_back({ObjectKind::kExpireMark, object.key});
      }
      if (backup->object == layout::BackupObject::kAloneMark)
        listing_.aside.push_back({ObjectKind::kAloneMark, object.key});
      label.start |= backup->object == layout::BackupObject::kStart;
      label.manifest |= backup->object == layout::BackupObject::kManifest;
      if (backup->object == layout::BackupObject::kFiles) {
        label.files = true;
        listing_.file_maps[backup->label] = object.size;
      }
      return Status::Ok();
    }
    if (layout::ParsePinKey(key)) {
      listing_.aside.push_back({ObjectKind::kBackupPin, object.key});
      return Status::Ok();
    }
    if (layout::ParseHoldKey(key)) {
      listing_.aside.push_back({ObjectKind::kRestoreHold, object.key});
      return Status::Ok();
    }
    if (layout::ParseNumberKey(key)) {
      listing_.aside.push_back({ObjectKind::kTimelineNumber, object.key});
      return Status::Ok();
    }
    if (const auto partial = layout::ParsePartialKey(key)) {
      ++labels_[partial->label].partials;
      listing_.aside.push_back({ObjectKind::kPartialMap, object.key});
      return Status::Ok();
    }
    if (const auto group = layout::ParseSealKey(key)) {
      listing_.aside.push_back({ObjectKind::kWalSeal, object.key});
      if (sealed_.empty()) seals_.insert(*group);
      return Status::Ok();
    }
    if (layout::ParseTimelineAsideKey(key)) {
      if (request_.scope == VerifyScope::kAll) listing_.aside.push_back({ObjectKind::kTimelineAside, object.key});
      return Status::Ok();
    }
    if (layout::ParseFailureKey(key)) {
      if (request_.scope == VerifyScope::kAll) listing_.aside.push_back({ObjectKind::kBackupFailure, object.key});
      return Status::Ok();
    }
    if (key.starts_with(layout::kDataPrefix)) return SeePack(object);
    if (layout::ParseVerifyKey(key)) listing_.aside.push_back({ObjectKind::kProof, object.key});
    if (request_.scope != VerifyScope::kAll || key == layout::kMarkerKey || layout::ParseKeySlotKey(key) ||
        layout::ParseVerifyKey(key))
      return Status::Ok();
    if (key.starts_with(layout::kProbePrefix)) {
      AddWarning("orphan", object.key, "A test of the store has left it.", "It may be deleted.");
      return Status::Ok();
    }
    SeeUnknown(object.key);
    return Status::Ok();
  }

  Status SeeWal(const ObjectInfo& object) {
    const auto name = layout::WalNameOfKey(object.key);
    const auto parsed = name ? ParseWalFileName(*name, repository_.segment_size()) : std::nullopt;
    if (!parsed && !ParsePartialSegment(repository_, object.key)) {
      SeeUnknown(object.key);
      return Status::Ok();
    }
    if (parsed && parsed->kind == WalFileKind::kSegment)
      ++in_group_[GroupOf(parsed->timeline, parsed->segment, repository_.segment_size())];
    ++listing_.wal_objects;
    listing_.wal_bytes += object.size;
    CheckSize(object, {});
    return Status::Ok();
  }

  Status SeeChangeMap(const ObjectInfo& object) {
    const auto name = layout::SegmentOfChangeMapKey(object.key);
    if (!name || !ParseWalFileName(*name, repository_.segment_size())) {
      SeeUnknown(object.key);
    } else {
      CheckSize(object, ChangeMapFinding({}));
    }
    return Status::Ok();
  }

  // Reading it would say the same; the quick mode does not read.
  void CheckSize(const ObjectInfo& object, Finding finding) {
    if (object.size >= kMinObjectBytes || request_.mode != VerifyMode::kQuick) return;
    finding.problem = "size";
    finding.object = object.key;
    finding.detail = "It has " + DescribeCount(object.size, "byte", "bytes") + ", fewer than any object.";
    if (finding.hint.empty()) finding.hint = kPutBackIfAny;
    findings_.Add(std::move(finding));
  }

  Status SeePack(const ObjectInfo& object) {
    if (const auto key = layout::ParseMapPageKey(object.key)) {
      if (TabledPage* page = table_.FindPage(key->label, key->number)) {
        page->stored = object.size;
        labels_[key->label].listed_packs = true;
        return Status::Ok();
      }
    }
    if (TabledPack* pack = table_.Find(object.key)) {
      pack->stored = object.size;
      if (const auto label = layout::LabelOfPackKey(object.key)) labels_[*label].listed_packs = true;
      return Status::Ok();
    }
    if (!layout::IsDataKey(object.key)) {
      if (request_.scope == VerifyScope::kAll) SeeUnknown(object.key);
      return Status::Ok();
    }
    Label& label = labels_[std::string(layout::LabelOf(object.key).value())];
    ++(layout::ParseMapPageKey(object.key) ? label.unlisted_pages : label.unlisted_packs);
    label.unlisted_bytes += object.size;
    return Status::Ok();
  }

  void SeeUnknown(const std::string& key) {
    if (++unknown_ > kMaxUnknownNamed) return;
    AddWarning("unknown", key, "No object of a repository of this version has such a key.",
               "pg_pitr ignores it; find out who has stored it.");
  }

  // Absence takes two looks (store/absence.h); the listing was the first.
  Status LookAgain(const OpContext& ctx) {
    const auto look = [&](const std::string& key) -> Status {
      const auto info = repository_.store().Stat(key, ctx);
      if (info.ok()) return SeePack(info.value());
      return info.code() == Code::kNotFound ? Status::Ok() : info.status();
    };
    for (const TabledPack& pack : table_.packs)
      if (!pack.stored) PITR_TRY(look(pack.key));
    for (const TabledPage& page : table_.pages)
      if (!page.stored) PITR_TRY(look(page.page.key()));
    return Status::Ok();
  }

  // Seals were listed before the segments: one that was broken meanwhile said nothing wrong.
  Status CheckSeals(const OpContext& ctx) {
    const uint64_t whole = SegmentsInGroup(repository_.segment_size());
    for (const WalGroup& group : seals_) {
      const std::string key = layout::SealKey(group);
      const auto at = in_group_.find(group);
      const uint64_t there = at == in_group_.end() ? 0 : at->second;
      if (there == whole) continue;
      PITR_ASSIGN(const bool still, IsThere(repository_.store(), key, ctx));
      if (!still) continue;
      Finding finding;
      finding.problem = "wrong";
      finding.object = key;
      finding.detail = "It says that all " + std::to_string(whole) + " segments of its group of WAL are stored; " +
                       std::to_string(there) + " are.";
      finding.hurts = "What does not read the archive itself (info, quick verifications) takes the others for stored.";
      finding.hint = "Delete the object: then the segments are listed again. What is missing is said by itself.";
      findings_.Add(std::move(finding));
    }
    return Status::Ok();
  }

  void CheckPacks() {
    for (const TabledPack& pack : table_.packs) {
      if (pack.stored == pack.size) continue;
      Finding finding;
      finding.object = pack.key;
      finding.hint = kPutBackIfAny;
      if (!pack.stored) {
        finding.problem = "missing";
        finding.detail = "The object does not exist.";
      } else {
        finding.problem = "size";
        finding.detail =
            "It has " + std::to_string(*pack.stored) + " bytes instead of " + std::to_string(pack.size) + ".";
        finding.begin = std::min(*pack.stored, pack.size);
        finding.end = pack.size;
      }
      findings_.Add(std::move(finding));
    }
  }

  // When the backup was last seen whole; 0: never.
  int64_t LastSeen(const std::string& label) const {
    const VerifyRecord* result = NewestResult(earlier_, label);
    return result == nullptr ? 0 : result->ended_micros;
  }

  // Empty when there is nothing of the label that no manifest names.
  static std::string DescribeUnlisted(const Label& label) {
    std::string text;
    if (label.unlisted_packs > 0) text = DescribeCount(label.unlisted_packs, "pack", "packs");
    if (label.unlisted_pages > 0)
      text += (text.empty() ? "" : " and ") + DescribeCount(label.unlisted_pages, "page", "pages") + " of a file map";
    return text.empty() ? text : text + ", " + DescribeBytes(label.unlisted_bytes);
  }

  void CheckLabel(const std::string& name, const Label& label) {
    const bool known = catalog_.Find(name) != nullptr || catalog_.FindDamaged(name) != nullptr;
    const bool asked = request_.scope == VerifyScope::kAll || request_.label == name;
    if (!asked || (label.manifest && !known)) return;  // finished since the manifests were read
    const std::string leftovers = DescribeUnlisted(label);
    if (known) {
      CheckFinished(name, label, leftovers);
    } else {
      CheckUnfinished(name, label, leftovers);
    }
  }

  void CheckFinished(const std::string& name, const Label& label, const std::string& leftovers) {
    if (!label.start) {
      Finding finding;
      finding.problem = "missing";
      finding.object = layout::BackupKey(name, layout::BackupObject::kStart);
      finding.detail = "The object that reserves the backup's label does not exist.";
      finding.labels = {name};
      finding.hurts = "Nothing: the backup can be restored.";
      finding.hint = kPutBackIfAny;
      findings_.Add(std::move(finding));
    }
    const BackupManifest* backup = catalog_.Find(name);
    if (backup != nullptr && !backup->page_errors.empty()) {
      AddWarning("page errors", layout::BackupKey(name, layout::BackupObject::kManifest),
                 "Of backup \"" + name + "\", " + DescribePageErrors(*backup) + ".",
                 "It is stored as it was read: a restore of it brings the damaged pages back. An older backup without "
                 "them and the WAL since then does not.");
    }
    if (const std::string doubt = backup != nullptr ? DescribePageLsnDoubt(catalog_, *backup) : ""; !doubt.empty())
      AddWarning("page LSN", layout::BackupKey(name, layout::BackupObject::kManifest),
                 "Backup \"" + name + "\" may be wrong: " + doubt + ".",
                 "Increments are not built on it. A full backup and the WAL since then are not affected.");
    if (label.partials > 0 && catalog_.Find(name) != nullptr)
      AddWarning("orphan", layout::PartialPrefix(name),
                 DescribeCount(label.partials, "partial map", "partial maps") + " of a backup that is complete.",
                 "pg_pitr expire removes them.");
    const bool looked_at = std::any_of(table_.backups.begin(), table_.backups.end(),
                                       [&](const TabledBackup& of) { return of.manifest->label == name; });
    if (!leftovers.empty() && looked_at)
      AddWarning("orphan", layout::DataPrefix(name),
                 leftovers + (request_.scope == VerifyScope::kBackup ? " that the backup does not list."
                                                                     : " that no backup lists." + Doubt()),
                 WhenRemoved());
  }

  // What belongs to no backup that was looked at is not nobody's as long as another may need it.
  std::string Doubt() const {
    if (table_.unknown_users.empty()) return "";
    return " That is not certain: " + table_.WhyUnknownUsers() + ". Keep it until that is mended.";
  }

  // An expiry deletes no such thing while something is in doubt, nor what another backup than the one looked at lists.
  std::string WhenRemoved() const {
    if (request_.scope != VerifyScope::kAll || !table_.unknown_users.empty()) return "";
    return "pg_pitr expire removes it once it is older than pg_pitr.expire_leftover_age.";
  }

  void CheckUnfinished(const std::string& name, const Label& label, const std::string& leftovers) {
    // Start object and mark stay while packs of a deleted or interrupted backup belong to later ones.
    if (label.listed_packs && leftovers.empty() && !label.files && label.partials == 0 &&
        (label.expiring || !label.start))
      return;
    const int64_t seen = LastSeen(name);
    if (seen != 0 && label.files && !label.expiring) {
      Finding finding;
      finding.problem = "missing";
      finding.object = layout::BackupKey(name, layout::BackupObject::kManifest);
      finding.detail = "The backup was complete when it was verified at " + FormatToSecond(seen) +
                       "; its manifest does not exist any more, its other objects do.";
      finding.labels = {name};
      finding.hurts = "The backup does not count as one and cannot be restored.";
      finding.hint =
          "Put the object back from a copy of the repository; if the backup was being deleted, delete the rest of it.";
      findings_.Add(std::move(finding));
      return;
    }
    const std::string rest = leftovers.empty() ? "" : " It has stored " + leftovers + "." + Doubt();
    if (label.expiring) {
      AddWarning("orphan", layout::BackupKey(name, layout::BackupObject::kExpireMark),
                 "What is left of backup \"" + name + "\", which is being deleted." + rest,
                 "pg_pitr expire finishes what was begun.");
    } else if (label.start) {
      // One that was begun since the catalog was read is not in it.
      const UnfinishedBackup* known = catalog_.FindUnfinished(name);
      const UnfinishedRemark remark =
          DescribeUnfinished(resumable_, known == nullptr ? UnfinishedBackup{.label = name} : *known);
      AddWarning("unfinished", layout::BackupKey(name, layout::BackupObject::kStart),
                 "Backup \"" + name + "\" has no manifest: " + remark.state + "." + rest, remark.advice);
    } else {
      AddWarning("orphan",
                 label.files ? layout::BackupKey(name, layout::BackupObject::kFiles) : layout::DataPrefix(name),
                 "What is left of backup \"" + name + "\" belongs to no backup." + rest, WhenRemoved());
    }
  }

  void AddWarning(std::string problem, std::string object, std::string detail, std::string hint) {
    Finding finding;
    finding.severity = Severity::kWarning;
    finding.problem = std::move(problem);
    finding.object = std::move(object);
    finding.detail = std::move(detail);
    finding.hint = std::move(hint);
    findings_.Add(std::move(finding));
  }

  const Repository& repository_;
  const VerifyRequest& request_;
  const BackupCatalog& catalog_;
  const std::vector<VerifyRecord>& earlier_;
  const std::map<WalGroup, WalSeal>& sealed_;
  CheckedPacks& table_;
  FindingList& findings_;
  const ResumeCandidates resumable_;
  VerifyListing listing_;
  std::map<std::string, Label> labels_;
  std::set<WalGroup> seals_;               // to be compared with what is there
  std::map<WalGroup, uint64_t> in_group_;  // whole segments that were listed
  size_t unknown_ = 0;
};

}  // namespace

Result<VerifyListing> TakeListing(const Repository& repository, const VerifyRequest& request,
                                  const BackupCatalog& catalog, const std::vector<VerifyRecord>& earlier,
                                  const std::map<WalGroup, WalSeal>& sealed, CheckedPacks& table, FindingList& findings,
                                  const OpContext& ctx) {
  return ListingTaker(repository, request, catalog, earlier, sealed, table, findings).Run(ctx);
}

}  // namespace pitr
