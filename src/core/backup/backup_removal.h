// Removes what an unfinished backup has stored. Also for backups that a crash has left behind.
#pragma once
#include <string>

#include "core/repo/repository.h"

namespace pitr {

// Aborts uploads and deletes, in this order: the manifest if `manifest_too` (its creation was tried and may have
// succeeded), file map, packs, start object. What cannot be removed stops what comes after it, so that a manifest that
// stays keeps its data and the start object keeps naming what is left. Safe to repeat. Errors as the store's.
Status RemoveBackupObjects(const Repository& repository, const std::string& label, bool manifest_too,
                           const OpContext& ctx);

}  // namespace pitr
