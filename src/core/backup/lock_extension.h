// Object Lock along chains: a pack that an increment, a merged or a resumed backup refers to was locked when it was
// stored, and its lock ends before that of the backup that needs it.
#pragma once
#include "core/repo/manifest.h"
#include "core/repo/repository.h"

namespace pitr {

// For a backup whose manifest is stored: what it refers to of other labels is locked at least as long as the manifest
// is. Nothing where the manifest has no lock. Two requests a pack. Errors are the store's; the locks that were reached
// before are extended all the same.
Status ExtendLocks(const Repository& repository, const BackupManifest& manifest, const OpContext& ctx);

// The same, for a backup that is complete whatever comes of it: an error is a warning in the log.
void ExtendLocksOrWarn(const Repository& repository, const BackupManifest& manifest, const OpContext& ctx);

}  // namespace pitr
