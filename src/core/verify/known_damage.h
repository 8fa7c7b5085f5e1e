// What verifications have found of backups, for those who decide about backups: what to build on, what to delete.
#pragma once
#include "core/repo/damage_finder.h"
#include "core/verify/record.h"

namespace pitr {

// Reads the results that the repository keeps. Errors as LoadVerifyRecords.
Result<DamageFinder> FindKnownDamage(const Repository& repository, DamageOf of, const OpContext& ctx);
// The same for recoveries, of the backups' files: who may not read the results does without, with a line in the log.
DamageFinder KnownDamage(const Repository& repository, const OpContext& ctx);

}  // namespace pitr
