#include "core/verify/known_damage.h"

#include <set>

#include "core/repo/layout.h"

namespace pitr {
namespace {

std::set<std::string> DataObjectsOf(const BackupManifest& backup) {
  std::set<std::string> keys;
  for (const PackEntry& pack : backup.packs) keys.insert(pack.key);
  ForEachMapPage(backup, [&](const std::string& key) { keys.insert(key); });
  return keys;
}

// What a verification that did not look at the backup found of an object that it refers to, and of which another
// backup is damaged to this day; nullptr: nothing.
const Finding* FindSharedDamage(const std::vector<VerifyRecord>& results, const BackupManifest& backup) {
  std::optional<std::set<std::string>> objects;
  for (auto result = results.rbegin(); result != results.rend(); ++result) {
    if (result->ended_micros < backup.start_micros) break;
    // Later than this nobody has found what is damaged there, or else it is told as the backup's own.
    if (result->backups.contains(backup.label) && result->request.mode == VerifyMode::kFull) break;
    for (const Finding& finding : result->findings) {
      if (finding.severity != Severity::kDamage || !finding.object.starts_with(layout::kDataPrefix)) continue;
      if (finding.labels.empty() || result->backups.contains(backup.label)) continue;
      if (FindStandingDamage(results, finding.labels.front(), 0, DamageOf::kFiles).result != &*result) continue;
      if (!objects) objects = DataObjectsOf(backup);
      if (objects->contains(finding.object)) return &finding;
    }
  }
  return nullptr;
}

}  // namespace

std::string DescribeKnownDamage(const std::vector<VerifyRecord>& results, const BackupManifest& backup, DamageOf of) {
  std::string own = DescribeStandingDamage(results, backup.label, backup.start_micros, of);
  if (!own.empty()) return own;
  const Finding* shared = FindSharedDamage(results, backup);
  if (shared == nullptr) return "";
  return "\"" + shared->object + "\", which it shares with backup " + shared->labels.front() +
         ", is damaged; whether what it needs there is has not been looked at";
}

Result<DamageFinder> FindKnownDamage(const Repository& repository, DamageOf of, const OpContext& ctx) {
  PITR_ASSIGN(VerifyRecords verified, LoadVerifyRecords(repository, ctx));
  return DamageFinder([results = std::move(verified.results), of](const BackupManifest& backup) {
    return DescribeKnownDamage(results, backup, of);
  });
}

DamageFinder KnownDamage(const Repository& repository, const OpContext& ctx) {
  auto finder = FindKnownDamage(repository, DamageOf::kFiles, ctx);
  if (finder.ok()) return std::move(finder).value();
  repository.log().Warning("could not read what verifications have found: " + finder.status().ToString());
  return {};
}

}  // namespace pitr
