#include "core/repo/opening/open_repository.h"

#include "core/base/secret_file.h"
#include "core/config/named_files.h"
#include "core/config/store_config.h"
#include "core/repo/layout.h"
#include "core/repo/marker.h"
#include "core/repo/opening/keyring.h"
#include "core/repo/opening/stored_identity.h"
#include "core/store/creation_probe.h"
#include "core/store/missing_store.h"
#include "core/store/store_url.h"

namespace pitr {
namespace {

constexpr size_t kMaxMarkerBytes = 65536;
constexpr uint32_t kFirstKeyNumber = 1;

Result<Secret> ReadPassphrase(const Config& config) {
  return ReadSecretFile(config.passphrase_file, "passphrase file");
}

// Null for a repository without encryption.
Result<std::unique_ptr<RepositoryKey>> UnlockWith(const Config& config, const RepositoryMarker& marker,
                                                  ObjectStore& store, const OpContext& ctx) {
  const std::string name = "repository " + store.Describe();
  if (!marker.encrypted) {
    if (config.passphrase_file.empty()) return std::unique_ptr<RepositoryKey>();
    return Status(Code::kInvalidArgument, name + " is not encrypted, but a passphrase is set")
        .WithHint(
            "Clear pg_pitr.passphrase_file, or use another repository: encryption is decided when a repository is "
            "created.");
  }
  if (config.passphrase_file.empty())
    return Status(Code::kInvalidArgument, name + " is encrypted, but no passphrase is set")
        .WithHint("Set pg_pitr.passphrase_file to the file that holds its passphrase.");
  PITR_ASSIGN(const Secret passphrase, ReadPassphrase(config));
  PITR_ASSIGN(const Keyring keyring, ReadKeyring(store, marker.repository_id, ctx));
  auto key = Unlock(keyring, passphrase.view(), ctx);
  if (!key.ok() && key.code() == Code::kInvalidArgument)
    return std::move(key)
        .status()
        .Annotate("opening " + name)
        .WithHint("Check that \"" + config.passphrase_file +
                  "\" (pg_pitr.passphrase_file) holds this repository's passphrase.");
  if (!key.ok()) return std::move(key).status().Annotate("opening " + name);
  return key;
}

Result<std::unique_ptr<Repository>> Unlocked(std::unique_ptr<ObjectStore> store, RepositoryMarker marker,
                                             const Config& config, Log& log, const OpContext& ctx) {
  PITR_ASSIGN(std::unique_ptr<RepositoryKey> key, UnlockWith(config, marker, *store, ctx));
  return std::make_unique<Repository>(std::move(store), std::move(marker), std::move(key), config, log);
}

// Probes and key slots without a marker are what a creator leaves that died or lost a race.
Status CheckEmpty(ObjectStore& store, const OpContext& ctx) {
  return ListAll(store, "", ctx, [&](const ObjectInfo& object) -> Status {
    if (object.key == layout::kMarkerKey || object.key.starts_with(layout::kProbePrefix) ||
        layout::ParseKeySlotKey(object.key))
      return Status::Ok();
    return Status(Code::kConflict, "cannot create a repository at " + store.Describe() + ": it is not empty")
        .WithDetail("There is an object \"" + object.key + "\" and no \"" + std::string(layout::kMarkerKey) + "\".")
        .WithHint("Use an empty directory or prefix. If this was a repository, its marker has been deleted. " +
                  HowToWriteAgain("it"));
  });
}

// Key slot first, marker last: whoever sees the marker finds the key. The slot's object key, or "" without encryption.
Result<std::string> CreateKey(ObjectStore& store, const Config& config, const RepositoryMarker& marker,
                              const OpContext& ctx) {
  if (!marker.encrypted) return std::string();
  PITR_ASSIGN(const Secret passphrase, ReadPassphrase(config));
  RepositoryKey key;
  key.number = kFirstKeyNumber;
  PITR_TRY(RandomBytes(key.secret));
  PITR_ASSIGN(const KeySlot slot, WrapKey(key, marker.repository_id, passphrase.view(), marker.created_micros));
  PITR_TRY(CreateKeySlot(store, slot, ctx));
  return slot.object_key();
}

Status CreateOn(ObjectStore& store, const Config& config, const ClusterIdentity& cluster, bool conditional_create,
                Log& log, const OpContext& ctx) {
  if (!cluster.system_id.valid() || !IsValidSegmentSize(cluster.segment_size_bytes))
    return {Code::kInternal, "a repository was to be created for a cluster that is not known"};
  PITR_TRY(CheckEmpty(store, ctx));
  RepositoryMarker marker;
  marker.cluster = cluster;
  marker.cluster_name = config.cluster_name;
  marker.encrypted = !config.passphrase_file.empty();
  marker.conditional_create = conditional_create;
  marker.created_micros = ctx.clock->WallMicros();
  std::array<uint8_t, 16> id;
  PITR_TRY(RandomBytes(id));
  marker.repository_id = ToHex(id);
  PITR_ASSIGN(const std::string slot_key, CreateKey(store, config, marker, ctx));

  const std::string key(layout::kMarkerKey);
  const std::string json = EncodeMarker(marker);
  PITR_ASSIGN(const Bytes stored, EncodeObject(ObjectKind::kMarker, key, AsBytes(json), nullptr, 0));
  Status created = store.Create(key, stored, ctx);
  if (created.ok()) {
    log.Info("created repository " + store.Describe());
    return created;
  }
  // Anything but a clear answer may mean that the marker is there after all; then the slot is needed.
  if (created.code() != Code::kAlreadyExists) return std::move(created).Annotate("creating the repository");
  if (slot_key.empty()) return Status::Ok();
  Status removed = store.Delete({slot_key}, ctx);
  if (!removed.ok()) log.Warning("could not remove unused key slot \"" + slot_key + "\": " + removed.ToString());
  return Status::Ok();
}

// `held`: an object of WAL or backups that is there, or empty.
Status NoMarker(const ObjectStore& store, const std::string& held) {
  const std::string marker = "\"" + std::string(layout::kMarkerKey) + "\"";
  if (!held.empty())
    return Status(Code::kNotFound, "the marker of repository " + store.Describe() + " is missing")
        .WithDetail("There is no object " + marker + ", although WAL or backups are there, such as \"" + held + "\".")
        .WithHint(HowToWriteAgain("it") + " Then find out what took it: a lifecycle rule, a clean-up job.");
  return Status(Code::kNotFound, "there is no repository at " + store.Describe())
      .WithDetail("There is no object " + marker + ", and neither WAL nor backups.")
      .WithHint(
          "Check pg_pitr.repository. A new repository is created when a server first archives or backs up to it; if "
          "one was here before, everything in it is gone.");
}

}  // namespace

Result<RepositoryMarker> ReadMarker(ObjectStore& store, const OpContext& ctx) {
  const std::string key(layout::kMarkerKey);
  auto stored = GetAll(store, key, MaxObjectBytes(kMaxMarkerBytes), ctx);
  if (stored.code() == Code::kNotFound) {
    PITR_ASSIGN(const std::string held, FirstObjectOfData(store, ctx));
    return NoMarker(store, held);
  }
  if (!stored.ok()) return std::move(stored).status().Annotate("opening the repository");
  PITR_ASSIGN(const Bytes json, DecodeObject(ObjectKind::kMarker, key, stored.value(), nullptr, kMaxMarkerBytes));
  auto marker = DecodeMarker(AsText(json));
  if (!marker.ok()) return std::move(marker).status().Annotate("object \"" + key + "\" at offset 0");
  return marker;
}

Result<std::unique_ptr<Repository>> OpenRepositoryOn(std::unique_ptr<ObjectStore> store, const Config& config, Log& log,
                                                     const OpContext& ctx) {
  PITR_ASSIGN(RepositoryMarker marker, ReadMarker(*store, ctx));
  return Unlocked(std::move(store), std::move(marker), config, log, ctx);
}

Result<std::unique_ptr<Repository>> OpenOrCreateRepositoryOn(std::unique_ptr<ObjectStore> store, const Config& config,
                                                             const ClusterIdentity& cluster, Log& log,
                                                             const OpContext& ctx) {
  auto marker = ReadMarker(*store, ctx);
  if (marker.code() == Code::kNotFound) {
    PITR_TRY(CreateOn(*store, config, cluster, store->capabilities().conditional_create, log, ctx));
  } else if (!marker.ok()) {
    return std::move(marker).status();
  }
  // Everything is read back, so that a creator that lost a race sees what the winner wrote.
  PITR_ASSIGN(std::unique_ptr<Repository> repository, OpenRepositoryOn(std::move(store), config, log, ctx));
  PITR_TRY(repository->CheckCluster(cluster));
  return repository;
}

Result<std::unique_ptr<Repository>> OpenRepository(const Config& config, Log& log, const OpContext& ctx) {
  PITR_TRY(CheckNamedFiles(config));
  PITR_ASSIGN(StoreConfig settings, MakeStoreConfig(config));
  PITR_ASSIGN(std::unique_ptr<ObjectStore> store, OpenStore(settings, log));
  PITR_ASSIGN(RepositoryMarker marker, ReadMarker(*store, ctx));
  if (marker.conditional_create != settings.s3.conditional_create) {
    settings.s3.conditional_create = marker.conditional_create;
    PITR_ASSIGN(store, OpenStore(settings, log));
  }
  return Unlocked(std::move(store), std::move(marker), config, log, ctx);
}

Result<std::unique_ptr<Repository>> OpenOrCreateRepository(const Config& config, const ClusterIdentity& cluster,
                                                           Log& log, const OpContext& ctx) {
  auto opened = OpenRepository(config, log, ctx);
  if (opened.ok()) {
    PITR_TRY(opened.value()->CheckCluster(cluster));
    return opened;
  }
  PITR_ASSIGN(StoreConfig settings, MakeStoreConfig(config));
  // A directory that does not exist yet, or is empty, is not a store until it is made one.
  if (opened.code() != Code::kNotFound && !IsMissingStore(opened.status())) return opened;
  settings.create = true;
  if (StoreDirectory(config.repository).empty()) {
    PITR_ASSIGN(settings.s3.conditional_create, ProbeConditionalCreate(settings, log, SystemClock(), ctx));
    if (!settings.s3.conditional_create) log.Warning(config.repository + ": " + kNotAtomic + ". " + kNotAtomicHint);
  }
  PITR_ASSIGN(std::unique_ptr<ObjectStore> store, OpenStore(settings, log));
  return OpenOrCreateRepositoryOn(std::move(store), config, cluster, log, ctx);
}

}  // namespace pitr
