// Joins store, envelope and text: a manifest is fetched and must be that of the backup it is stored under.
#include "core/repo/layout.h"
#include "core/repo/manifest.h"

namespace pitr {
namespace {

// About 100,000 packs of a gigabyte take 8 MiB.
constexpr size_t kMaxManifestBytes = size_t{64} << 20;

}  // namespace

Result<BackupManifest> ReadManifest(const Repository& repository, const std::string& label, const OpContext& ctx) {
  const std::string key = layout::BackupKey(label, layout::BackupObject::kManifest);
  PITR_ASSIGN(const Bytes plain, repository.ReadObject(ObjectKind::kManifest, key, kMaxManifestBytes, ctx));
  auto manifest = DecodeManifest(AsText(plain));
  if (!manifest.ok()) return std::move(manifest).status().Annotate("object \"" + key + "\"");
  if (manifest.value().label != label)
    return Status(Code::kCorruption,
                  "object \"" + key + "\" is the manifest of backup \"" + manifest.value().label + "\"");
  return manifest;
}

}  // namespace pitr
