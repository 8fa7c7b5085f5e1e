// Removes what an unfinished backup has stored.
#pragma once
#include <string>

#include "core/repo/repository.h"

namespace pitr {

// Aborts uploads and deletes, in this order: the manifest if `manifest_too` (its creation was tried and may have
// succeeded), file map, partial maps, packs, start object. What cannot be removed stops what comes after it, so that a
// manifest that stays keeps its data and the start object keeps naming what is left. Safe to repeat. Errors as the
// store's.
Status RemoveBackupObjects(const Repository& repository, const std::string& label, bool manifest_too,
                           const OpContext& ctx);

// The same, but what a later backup can take over stays: packs that have a partial map, these maps, the start object.
Status RemoveUnrecordedObjects(const Repository& repository, const std::string& label, bool manifest_too,
                               const OpContext& ctx);

// Of a backup that has its manifest.
Status RemovePartialMaps(const Repository& repository, const std::string& label, const OpContext& ctx);

}  // namespace pitr
