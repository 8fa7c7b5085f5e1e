// Joins store, envelope and text: a manifest is fetched and must be that of the backup it is stored under.
#include "core/repo/manifest_reader.h"

#include "core/repo/layout.h"

namespace pitr {
namespace {

// About 100,000 packs of a gigabyte take 8 MiB.
constexpr size_t kMaxManifestBytes = size_t{64} << 20;

}  // namespace

Result<BackupManifest> ReadStoredManifest(ObjectStore& store, const std::string& label, const RepositoryKey* key,
                                          const OpContext& ctx) {
  const std::string object = layout::BackupKey(label, layout::BackupObject::kManifest);
  PITR_ASSIGN(const Bytes stored, GetAll(store, object, MaxObjectBytes(kMaxManifestBytes), ctx));
  PITR_ASSIGN(const Bytes plain, DecodeObject(ObjectKind::kManifest, object, stored, key, kMaxManifestBytes));
  auto manifest = DecodeManifest(AsText(plain));
  if (!manifest.ok()) return std::move(manifest).status().Annotate("object \"" + object + "\"");
  if (manifest.value().label != label)
    return Status(Code::kCorruption,
                  "object \"" + object + "\" is the manifest of backup \"" + manifest.value().label + "\"");
  return manifest;
}

Result<BackupManifest> ReadManifest(const Repository& repository, const std::string& label, const OpContext& ctx) {
  return ReadStoredManifest(repository.store(), label, repository.key(), ctx);
}

Status NoSuchBackup(const std::string& label) {
  return Status(Code::kNotFound, "there is no backup \"" + label + "\"").WithHint("pg_pitr info lists the backups.");
}

Status UnreadableBackup(const std::string& label, Status why) {
  std::string hint = why.hint();
  if (why.code() == Code::kCorruption || why.code() == Code::kConflict)
    hint += std::string(hint.empty() ? "" : " ") +
            "Put the object back from a copy of the repository, if there is one; pg_pitr verify finds what else is "
            "damaged. Until then name another backup: pg_pitr info lists them.";
  return std::move(why).Annotate("reading the manifest of backup \"" + label + "\"").WithHint(std::move(hint));
}

}  // namespace pitr
