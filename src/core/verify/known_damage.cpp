#include "core/verify/known_damage.h"

namespace pitr {

Result<DamageFinder> FindKnownDamage(const Repository& repository, DamageOf of, const OpContext& ctx) {
  PITR_ASSIGN(VerifyRecords verified, LoadVerifyRecords(repository, ctx));
  return DamageFinder([results = std::move(verified.results), of](const BackupManifest& backup) {
    return DescribeStandingDamage(results, backup.label, backup.start_micros, of);
  });
}

}  // namespace pitr
