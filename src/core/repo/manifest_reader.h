// A manifest as it is stored, for whoever has a key and no opened repository. Any thread.
#pragma once
#include <string>

#include "core/repo/manifest.h"

namespace pitr {

// The manifest of backup `label`, read with `key` (null: not encrypted). Errors as ObjectStore::Get, and kCorruption
// when it is not that backup's.
Result<BackupManifest> ReadStoredManifest(ObjectStore& store, const std::string& label, const RepositoryKey* key,
                                          const OpContext& ctx);

}  // namespace pitr
