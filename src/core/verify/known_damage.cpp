#include "core/verify/known_damage.h"

namespace pitr {

Result<DamageFinder> FindKnownDamage(const Repository& repository, DamageOf of, const OpContext& ctx) {
  PITR_ASSIGN(VerifyRecords verified, LoadVerifyRecords(repository, ctx));
  return DamageFinder([results = std::move(verified.results), of](const BackupManifest& backup) {
    return DescribeStandingDamage(results, backup.label, backup.start_micros, of);
  });
}

DamageFinder KnownDamage(const Repository& repository, const OpContext& ctx) {
  auto finder = FindKnownDamage(repository, DamageOf::kFiles, ctx);
  if (finder.ok()) return std::move(finder).value();
  repository.log().Warning("could not read what verifications have found: " + finder.status().ToString());
  return {};
}

}  // namespace pitr
