// What verifications have found of backups, for those who decide about backups: what to build on, what to delete.
#pragma once
#include <functional>
#include <string>

#include "core/repo/manifest.h"
#include "core/verify/record.h"

namespace pitr {

// Why a backup is known to be damaged, a clause; empty: it is not, or nobody has looked.
using DamageFinder = std::function<std::string(const BackupManifest&)>;

// Reads the results that the repository keeps. Errors as LoadVerifyRecords.
Result<DamageFinder> FindKnownDamage(const Repository& repository, DamageOf of, const OpContext& ctx);

}  // namespace pitr
