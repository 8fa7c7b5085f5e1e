// Object Lock: what a backup needs was locked when it was stored, before the backup ended, and in a chain long before;
// without more its lock ends before that of the manifest.
#pragma once
#include "core/repo/manifest.h"
#include "core/repo/repository.h"

namespace pitr {

// For a backup whose manifest is stored: its packs and the pages of its file map, those of other labels too, and the
// WAL that it needs to become consistent are locked at least as long as the manifest is. Nothing where the manifest has
// no lock. Two requests an object. Errors are the store's; the locks that were reached before are extended all the
// same.
Status ExtendLocks(const Repository& repository, const BackupManifest& manifest, const OpContext& ctx);

// The same, for a backup that is complete whatever comes of it: an error is a warning in the log.
void ExtendLocksOrWarn(const Repository& repository, const BackupManifest& manifest, const OpContext& ctx);

}  // namespace pitr
