#include "core/repo/backups/backup_objects.h"

#include <map>
#include <set>

#include "core/repo/layout.h"
#include "core/repo/maps/file_map_parser.h"
#include "core/store/absence.h"

namespace pitr {
namespace {

constexpr size_t kProblemsNamed = 5;

using Sizes = std::map<std::string, uint64_t>;

void Compare(const PackEntry& wanted, const Sizes& there, std::vector<std::string>& problems) {
  const auto found = there.find(wanted.key);
  if (found == there.end()) {
    problems.push_back(wanted.key + " is missing");
  } else if (wanted.size_bytes != 0 && found->second != wanted.size_bytes) {
    problems.push_back(wanted.key + " has " + std::to_string(found->second) + " bytes instead of " +
                       std::to_string(wanted.size_bytes));
  }
}

// `there` becomes the sizes of what lies beside them.
Result<std::vector<std::string>> FindMissingIn(const Repository& repository, const std::vector<PackEntry>& packs,
                                               Sizes& there, const OpContext& ctx) {
  // Increments refer to packs of earlier backups, so there may be several places.
  std::set<std::string> prefixes;
  for (const PackEntry& pack : packs) prefixes.insert(layout::PrefixOf(pack.key));
  std::vector<std::string> problems;
  // What is missing is looked for twice (store/absence.h).
  for (int look = 0; look == 0 || (look == 1 && !problems.empty()); look++) {
    for (const std::string& prefix : prefixes) {
      PITR_TRY(ListAll(repository.store(), prefix, ctx, [&](const ObjectInfo& info) {
        there[info.key] = info.size;
        return Status::Ok();
      }));
    }
    problems.clear();
    for (const PackEntry& pack : packs) Compare(pack, there, problems);
  }
  return problems;
}

// Whether the pages that are there have together as many bytes as the manifest says.
bool PagesAddUp(const BackupManifest& backup, const Sizes& there) {
  uint64_t bytes = 0;
  bool all = true;
  ForEachMapPage(backup, [&](const std::string& key) {
    const auto found = there.find(key);
    all &= found != there.end();
    if (found != there.end()) bytes += found->second;
  });
  return !all || backup.map_page_bytes == 0 || bytes == backup.map_page_bytes;
}

// Which of them it is the list tells, which is read for that.
Status FindWrongPages(const Repository& repository, const BackupManifest& backup, const Sizes& there,
                      std::vector<std::string>& problems, const OpContext& ctx) {
  if (PagesAddUp(backup, there)) return Status::Ok();
  auto list = ReadMapPages(repository, backup, ctx);
  if (list.ok()) {
    for (const MapPage& page : list.value().pages) Compare({page.key(), page.stored_bytes}, there, problems);
  } else if (list.code() != Code::kCorruption && list.code() != Code::kNotFound) {
    return std::move(list).status();
  } else {
    problems.push_back("the pages of its file map have other sizes than they had, and the list of them cannot be read");
  }
  return Status::Ok();
}

}  // namespace

Result<std::vector<std::string>> FindMissingPacks(const Repository& repository, const std::vector<PackEntry>& packs,
                                                  const OpContext& ctx) {
  Sizes there;
  return FindMissingIn(repository, packs, there, ctx);
}

Result<std::vector<std::string>> FindMissingObjects(const Repository& repository, const BackupManifest& backup,
                                                    const OpContext& ctx, const std::vector<MapPage>* pages) {
  std::vector<PackEntry> shared = backup.packs;
  if (pages != nullptr) {
    for (const MapPage& page : *pages) shared.push_back({page.key(), page.stored_bytes});
  } else {
    ForEachMapPage(backup, [&](std::string key) { shared.push_back({std::move(key), 0}); });
  }
  Sizes there;
  PITR_ASSIGN(std::vector<std::string> problems, FindMissingIn(repository, shared, there, ctx));
  if (pages == nullptr) PITR_TRY(FindWrongPages(repository, backup, there, problems, ctx));
  Sizes map;
  ObjectStore& store = repository.store();
  const std::string& key = backup.file_map_key;
  if (auto info = OrConfirmed(store, key, store.Stat(key, ctx), ctx); info.ok()) {
    map[backup.file_map_key] = info.value().size;
  } else if (info.code() != Code::kNotFound) {
    return info.status();
  }
  Compare({backup.file_map_key, backup.file_map_bytes}, map, problems);
  return problems;
}

Status RequireObjects(const Repository& repository, const BackupManifest& backup, const std::string& hint,
                      const OpContext& ctx) {
  PITR_ASSIGN(const std::vector<std::string> problems, FindMissingObjects(repository, backup, ctx));
  if (problems.empty()) return Status::Ok();
  return Status(Code::kCorruption, "backup \"" + backup.label + "\" is incomplete in the repository")
      .WithDetail(ListProblems(problems) + ".")
      .WithHint(hint);
}

std::string ListProblems(const std::vector<std::string>& problems) {
  std::string list;
  for (size_t i = 0; i < problems.size() && i < kProblemsNamed; ++i) list += (i > 0 ? "; " : "") + problems[i];
  if (problems.size() > kProblemsNamed) list += "; and " + std::to_string(problems.size() - kProblemsNamed) + " more";
  return list;
}

}  // namespace pitr
