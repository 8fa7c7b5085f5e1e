#include "core/verify/checked_packs.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace pitr {

std::string CheckedPacks::WhyUnknownUsers() const {
  std::string why;
  for (const std::string& clause : unknown_users) why += (why.empty() ? "" : ", and ") + clause;
  return why;
}

TabledPack* CheckedPacks::Find(const std::string& key) {
  const auto at = std::lower_bound(packs.begin(), packs.end(), key,
                                   [](const TabledPack& pack, const std::string& wanted) { return pack.key < wanted; });
  return at != packs.end() && at->key == key ? &*at : nullptr;
}

TabledPage* CheckedPacks::FindPage(const std::string& label, uint32_t number) {
  const auto wanted = std::tie(label, number);
  const auto at = std::lower_bound(pages.begin(), pages.end(), wanted, [](const TabledPage& page, const auto& place) {
    return std::tie(page.page.label, page.page.number) < place;
  });
  return at != pages.end() && std::tie(at->page.label, at->page.number) == wanted ? &*at : nullptr;
}

namespace {

std::vector<TabledPage> MakePages(const std::vector<const BackupManifest*>& backups) {
  std::map<std::pair<std::string, uint32_t>, std::vector<uint32_t>> users;
  for (uint32_t i = 0; i < backups.size(); i++)
    for (const MapPageRun& run : backups[i]->map_pages)
      for (uint64_t number = run.first; number <= run.last; number++)
        users[{run.label, static_cast<uint32_t>(number)}].push_back(i);
  std::vector<TabledPage> pages;
  for (auto& [place, of] : users) {
    TabledPage& page = pages.emplace_back();
    std::tie(page.page.label, page.page.number) = place;
    page.backups = std::move(of);
  }
  return pages;
}

}  // namespace

CheckedPacks MakeCheckedPacks(const std::vector<const BackupManifest*>& backups) {
  CheckedPacks table;
  for (const BackupManifest* manifest : backups) {
    const auto backup = static_cast<uint32_t>(table.backups.size());
    table.backups.push_back({manifest});
    for (uint32_t position = 0; position < manifest->packs.size(); ++position) {
      const PackEntry& entry = manifest->packs[position];
      table.packs.push_back({entry.key, entry.size_bytes, std::nullopt, 0, {{backup, position}}});
    }
  }
  std::stable_sort(table.packs.begin(), table.packs.end(),
                   [](const TabledPack& a, const TabledPack& b) { return a.key < b.key; });
  size_t kept = 0;
  for (size_t i = 0; i < table.packs.size(); ++i) {
    if (kept > 0 && table.packs[kept - 1].key == table.packs[i].key) {
      table.packs[kept - 1].users.push_back(table.packs[i].users.front());
    } else {
      if (kept != i) table.packs[kept] = std::move(table.packs[i]);
      ++kept;
    }
  }
  table.packs.resize(kept);
  table.pages = MakePages(backups);
  return table;
}

}  // namespace pitr
