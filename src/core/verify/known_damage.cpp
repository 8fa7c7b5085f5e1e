#include "core/verify/known_damage.h"

#include <set>

#include "core/repo/layout.h"

namespace pitr {
namespace {

// What a verification that did not look at the backup found of an object that it refers to, and of which another
// backup is damaged to this day; nullptr: nothing.
const Finding* FindSharedDamage(const std::vector<VerifyRecord>& results, const BackupManifest& backup) {
  std::set<std::string> objects;  // filled when the first finding asks
  for (auto result = results.rbegin(); result != results.rend(); ++result) {
    if (result->ended_micros < backup.start_micros) break;
    if (result->backups.contains(backup.label)) {
      // Later than a full one nobody has found what is damaged there, or else it is told as the backup's own.
      if (result->request.mode == VerifyMode::kFull) break;
      continue;
    }
    for (const Finding& finding : result->findings) {
      if (finding.severity != Severity::kDamage || !finding.object.starts_with(layout::kDataPrefix)) continue;
      if (objects.empty()) ForEachDataObject(backup, [&](std::string key) { objects.insert(std::move(key)); });
      if (!objects.contains(finding.object) || finding.labels.empty()) continue;
      if (FindStandingDamage(results, finding.labels.front(), 0, DamageOf::kFiles).result == &*result) return &finding;
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

const BackupManifest* FindUndamaged(const std::vector<BackupManifest>& backups, const std::vector<Finding>& found,
                                    const std::set<std::string>& read_whole, const std::vector<VerifyRecord>& earlier) {
  std::set<std::string> labels, objects;
  for (const Finding& finding : found) {
    if (finding.severity == Severity::kWarning) continue;
    labels.insert(finding.labels.begin(), finding.labels.end());
    objects.insert(finding.object);
  }
  for (auto backup = backups.rbegin(); backup != backups.rend(); ++backup) {
    bool hurt = labels.contains(backup->label);
    // Of another backup's object, too: this run may not have asked whether it needs the part that is bad.
    ForEachDataObject(*backup, [&](const std::string& key) { hurt |= objects.contains(key); });
    if (hurt) continue;
    if (read_whole.contains(backup->label) || DescribeKnownDamage(earlier, *backup, DamageOf::kAnything).empty())
      return &*backup;
  }
  return nullptr;
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
