// What verifications have found of backups, for those who decide about backups: what to build on, what to delete.
#pragma once
#include <set>
#include <string>
#include <vector>

#include "core/repo/backups/damage_finder.h"
#include "core/verify/record.h"

namespace pitr {

// What verifications found of the backup's own objects and nothing has refuted (FindStandingDamage); else what one that
// did not look at this backup found of an object that it shares with others. A clause; empty when there is none.
std::string DescribeKnownDamage(const std::vector<VerifyRecord>& results, const BackupManifest& backup, DamageOf of);

// The newest of `backups` (ascending by age) to recover from: not among those that `found`, the findings of a run, are
// about, nor with an object that they name, and without known damage in `earlier`, which does not count for those that
// the run read as a whole. nullptr: there is none.
const BackupManifest* FindUndamaged(const std::vector<BackupManifest>& backups, const std::vector<Finding>& found,
                                    const std::set<std::string>& read_whole, const std::vector<VerifyRecord>& earlier);

// Reads the results that the repository keeps. Errors as LoadVerifyRecords.
Result<DamageFinder> FindKnownDamage(const Repository& repository, DamageOf of, const OpContext& ctx);
// The same for recoveries, of the backups' files: who may not read the results does without, with a line in the log.
DamageFinder KnownDamage(const Repository& repository, const OpContext& ctx);

}  // namespace pitr
