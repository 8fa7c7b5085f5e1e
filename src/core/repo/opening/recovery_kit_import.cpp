// Writing a recovery kit back. A wrong marker would keep the right one out for ever, so the kit proves itself by what
// is there before anything is written.
#include "core/base/secret_file.h"
#include "core/repo/layout.h"
#include "core/repo/opening/key_slot.h"
#include "core/repo/opening/open_repository.h"
#include "core/repo/opening/recovery_kit.h"
#include "core/repo/opening/stored_identity.h"
#include "core/repo/repository.h"
#include "core/store/absence.h"

namespace pitr {
namespace {

constexpr const char* kNothingWritten = "Nothing was written. ";
constexpr const char* kRightKit =
    "The right kit is pg_pitr.kit in the data directory of the server that archives here, or one that was exported "
    "from this repository; or pg_pitr.repository is not what is meant.";

std::string Joined(const std::vector<std::string>& items, const char* between) {
  std::string text;
  for (const std::string& item : items) text += (text.empty() ? "" : between) + item;
  return text;
}

std::string DescribeMarker(const RepositoryMarker& marker) {
  return DescribeCluster(marker.cluster) + (marker.encrypted ? ", encrypted" : ", not encrypted") + ", repository id " +
         marker.repository_id;
}

std::string WhatWasCompared(const StoredIdentity& stored) {
  std::string text = "Compared was what is stored:";
  for (const auto* items : {&stored.differs, &stored.unopened, &stored.matches})
    if (!items->empty()) text += (text.back() == ':' ? " " : "; ") + Joined(*items, "; ");
  return text + ".";
}

// Null for a kit without encryption.
Result<std::unique_ptr<RepositoryKey>> OpenKit(const RecoveryKit& kit, const std::string& passphrase_file,
                                               const OpContext& ctx) {
  if (!kit.marker.encrypted) {
    if (passphrase_file.empty()) return std::unique_ptr<RepositoryKey>();
    return Status(Code::kInvalidArgument, "the kit is of a repository without encryption, but a passphrase is set")
        .WithHint(kNothingWritten + std::string("Clear pg_pitr.passphrase_file if it is the right kit."));
  }
  if (passphrase_file.empty())
    return Status(Code::kInvalidArgument, "the kit is of an encrypted repository, but no passphrase is set")
        .WithDetail("Without it the kit cannot be compared with what is stored.")
        .WithHint(kNothingWritten +
                  std::string("Set pg_pitr.passphrase_file to the file that holds the repository's passphrase."));
  PITR_ASSIGN(const Secret passphrase, ReadSecretFile(passphrase_file, "passphrase file"));
  auto key = Unlock(kit.keyring, passphrase.view(), ctx);
  if (key.code() != Code::kInvalidArgument) return key;
  return Status(Code::kInvalidArgument, "the passphrase opens none of the key slots of the kit")
      .WithDetail("The kit is of a repository of " + DescribeMarker(kit.marker) + ".")
      .WithHint(kNothingWritten + std::string("Check that \"") + passphrase_file +
                "\" (pg_pitr.passphrase_file) holds this repository's passphrase. " + kRightKit);
}

// `there`: another marker than the kit's; the kit's own was found right, or not.
Status RefuseOtherMarker(const ObjectStore& store, const RecoveryKit& kit, const RepositoryMarker& there,
                         const StoredIdentity& stored) {
  const bool fits = !stored.matches.empty() && stored.differs.empty();
  Status refused = Status(Code::kConflict, "repository " + store.Describe() + " is not the one that the kit is of")
                       .WithDetail("The marker there is of " + DescribeMarker(there) + "; the kit is of " +
                                   DescribeMarker(kit.marker) + ". " + WhatWasCompared(stored));
  if (!fits)
    return std::move(refused).WithHint(kNothingWritten + std::string("Check pg_pitr.repository. ") + kRightKit);
  // Without encryption the objects say of which cluster they are, and not of which of its repositories.
  const bool proven = kit.marker.encrypted || !(there.cluster.system_id == kit.marker.cluster.system_id);
  return std::move(refused).WithHint(
      kNothingWritten +
      std::string(proven
                      ? "What is stored is the kit's: the marker is wrong, as a foreign kit or a hand leaves it. "
                      : "What is stored fits both. The file pg_pitr.repository in the server's data directory has "
                        "the id of the repository that it archives to. If that is the kit's, the marker is wrong. ") +
      "Delete the one object \"" + std::string(layout::kMarkerKey) +
      "\" (with the store's own means; keep a copy), and "
      "run the same command again. Key slots of another repository are ignored and may stay.");
}

Status CheckFits(const ObjectStore& store, const RecoveryKit& kit, const StoredIdentity& stored, bool same_marker) {
  // Where the marker has the kit's id, one foreign object that somebody put there changes nothing.
  if (!stored.matches.empty() && (same_marker || stored.differs.empty())) return Status::Ok();
  if (stored.nothing()) {
    if (same_marker) return Status::Ok();
    return Status(Code::kConflict, "there is nothing to be saved of a repository at " + store.Describe())
        .WithDetail(
            "It holds neither a WAL segment nor a finished backup that the kit could be compared with, and without a "
            "backup nothing can be restored; a marker would only hide that.")
        .WithHint(
            "Nothing was written. Check pg_pitr.repository. If everything is gone, remove the file pg_pitr.repository "
            "from the data directory: archiving makes a new repository then, where nothing else is stored; take a full "
            "backup.");
  }
  std::string hint = kNothingWritten + std::string(kRightKit);
  if (!stored.matches.empty())
    hint = kNothingWritten + std::string(
                                 "Objects of two clusters are mixed there. Move those that do not belong to this "
                                 "repository away, and run the same command again.");
  return Status(Code::kConflict, "the recovery kit is not of the repository at " + store.Describe())
      .WithDetail("The kit is of " + DescribeMarker(kit.marker) + ". " + WhatWasCompared(stored))
      .WithHint(hint);
}

// A marker where nothing can be restored would only hide that.
Status CheckSomethingIsThere(ObjectStore& store, const OpContext& ctx) {
  PITR_ASSIGN(const ListPage page, store.List(std::string(layout::kBackupPrefix), "", ctx));
  if (!page.objects.empty()) return Status::Ok();
  return CheckFits(store, {}, {}, false);
}

// The marker that is there, if any; one that is damaged must go before another can be written.
Result<std::optional<RepositoryMarker>> FindMarker(ObjectStore& store, const OpContext& ctx) {
  const std::string key(layout::kMarkerKey);
  auto there = OrConfirmed(store, key, ReadMarker(store, ctx), ctx);
  if (there.ok()) return std::optional<RepositoryMarker>(std::move(there).value());
  if (there.code() == Code::kNotFound) return std::optional<RepositoryMarker>();
  // One with a hint is no damage: the store contradicts itself.
  if (there.code() != Code::kCorruption || !there.status().hint().empty()) return std::move(there).status();
  return std::move(there)
      .status()
      .Annotate("comparing the kit with the marker that is there")
      .WithHint(kNothingWritten + std::string("Look at the object \"") + key +
                "\" with the store's own means: a login page or a proxy may have answered in its place. If it is "
                "damaged for good, keep a copy, delete it, and run the same command again.");
}

// Objects of the kit that are not in the store; what is there must be the same bytes.
Result<std::vector<const std::pair<std::string, Bytes>*>> FindMissing(ObjectStore& store, const RecoveryKit& kit,
                                                                      const OpContext& ctx) {
  std::vector<const std::pair<std::string, Bytes>*> missing;
  for (const auto& object : kit.objects) {
    const std::string& key = object.first;
    const auto there = OrConfirmed(store, key, GetAll(store, key, kMaxKitObjectBytes, ctx), ctx);
    if (there.code() == Code::kNotFound) {
      missing.push_back(&object);
    } else if (!there.ok()) {
      return there.status();
    } else if (there.value() != object.second) {
      return Status(Code::kConflict, "object \"" + key + "\" is there and differs from the kit's")
          .WithDetail("Neither is ever changed once it is written, so one of them is damaged.")
          .WithHint(kNothingWritten + std::string("If it is the one in the repository, keep a copy, delete it with the "
                                                  "store's own means, and run the same command again."));
    }
  }
  return missing;
}

}  // namespace

Result<std::vector<std::string>> ImportRecoveryKit(ObjectStore& store, const RecoveryKit& kit,
                                                   const std::string& passphrase_file, const OpContext& ctx) {
  PITR_ASSIGN(const std::optional<RepositoryMarker> there, FindMarker(store, ctx));
  const bool same_marker = there && there->repository_id == kit.marker.repository_id;
  if (!there) PITR_TRY(CheckSomethingIsThere(store, ctx));
  auto key = OpenKit(kit, passphrase_file, ctx);
  // What is stored may say more than that it cannot be opened.
  const RepositoryKey* opened = key.ok() ? key.value().get() : nullptr;
  PITR_ASSIGN(const StoredIdentity stored, CompareWithStored(store, kit.marker, opened, ctx));
  if (there && !same_marker) return RefuseOtherMarker(store, kit, *there, stored);
  if (!stored.differs.empty() || key.ok()) PITR_TRY(CheckFits(store, kit, stored, same_marker));
  if (!key.ok()) return std::move(key).status();
  PITR_ASSIGN(const auto missing, FindMissing(store, kit, ctx));
  std::vector<std::string> created;
  for (const auto* object : missing) {
    Status status = store.Create(object->first, object->second, ctx);
    if (status.ok()) created.push_back(object->first);
    if (!status.ok() && status.code() != Code::kAlreadyExists)
      return std::move(status).WithDetail(created.empty() ? "Nothing was written before."
                                                          : "Written before: " + Joined(created, ", ") + ".");
  }
  return created;
}

}  // namespace pitr
