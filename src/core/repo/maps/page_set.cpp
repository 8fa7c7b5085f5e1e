#include "core/repo/maps/page_set.h"

#include "core/repo/layout.h"

namespace pitr {

void PageSet::Add(const std::string& key) {
  if (const auto page = layout::ParseMapPageKey(key)) numbers_[page->label].insert(page->number);
}

void PageSet::AddAll(const BackupManifest& backup) {
  for (const MapPageRun& run : backup.map_pages) {
    std::set<uint32_t>& of_label = numbers_[run.label];
    for (uint64_t number = run.first; number <= run.last; number++) of_label.insert(static_cast<uint32_t>(number));
  }
}

bool PageSet::Contains(const std::string& key) const {
  const auto page = layout::ParseMapPageKey(key);
  if (!page) return false;
  const auto of_label = numbers_.find(page->label);
  return of_label != numbers_.end() && of_label->second.contains(page->number);
}

bool PageSet::ContainsAll(const BackupManifest& backup) const {
  for (const MapPageRun& run : backup.map_pages) {
    const auto of_label = numbers_.find(run.label);
    if (of_label == numbers_.end()) return false;
    auto at = of_label->second.lower_bound(run.first);
    for (uint64_t number = run.first; number <= run.last; number++, ++at)
      if (at == of_label->second.end() || *at != number) return false;
  }
  return true;
}

}  // namespace pitr
