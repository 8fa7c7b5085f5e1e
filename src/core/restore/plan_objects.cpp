#include "core/restore/plan_objects.h"

#include <map>
#include <set>

namespace pitr {
namespace {

constexpr size_t kProblemsNamed = 5;

}  // namespace

Status CheckBackupObjects(const Repository& repository, RestorePlan& plan, const OpContext& ctx) {
  const BackupManifest& backup = plan.backup;
  // Increments refer to packs of earlier backups, so there may be several places.
  std::set<std::string> prefixes;
  for (const PackEntry& pack : backup.packs) prefixes.insert(pack.key.substr(0, pack.key.rfind('/') + 1));
  std::map<std::string, uint64_t> there;
  for (const std::string& prefix : prefixes) {
    PITR_TRY(ListAll(repository.store(), prefix, ctx, [&](const ObjectInfo& info) {
      there[info.key] = info.size;
      return Status::Ok();
    }));
  }
  if (auto info = repository.store().Stat(backup.file_map_key, ctx); info.ok()) {
    there[backup.file_map_key] = info.value().size;
  } else if (info.code() != Code::kNotFound) {
    return info.status();
  }
  std::vector<PackEntry> wanted = backup.packs;
  wanted.push_back({backup.file_map_key, backup.file_map_bytes});
  std::vector<std::string> problems;
  plan.fetch_bytes = 0;
  for (const PackEntry& entry : wanted) {
    plan.fetch_bytes += entry.size_bytes;
    const auto found = there.find(entry.key);
    if (found == there.end()) {
      problems.push_back(entry.key + " is missing");
    } else if (found->second != entry.size_bytes) {
      problems.push_back(entry.key + " has " + std::to_string(found->second) + " bytes instead of " +
                         std::to_string(entry.size_bytes));
    }
  }
  plan.objects_checked += wanted.size();
  plan.restore_bytes = backup.database_bytes;
  if (problems.empty()) return Status::Ok();
  std::string list;
  for (size_t i = 0; i < problems.size() && i < kProblemsNamed; ++i) list += (i > 0 ? "; " : "") + problems[i];
  if (problems.size() > kProblemsNamed) list += "; and " + std::to_string(problems.size() - kProblemsNamed) + " more";
  return Status(Code::kCorruption, "backup \"" + backup.label + "\" is incomplete in the repository")
      .WithDetail(list + ".")
      .WithHint("Restore from an older backup with --backup LABEL; pg_pitr info lists them.");
}

}  // namespace pitr
