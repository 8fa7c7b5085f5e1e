#include "core/backup/changes/page_plan.h"

#include <algorithm>
#include <cassert>

#include "core/repo/maps/map_page_sum.h"

namespace pitr {
namespace {

// The pages whose range has `path`.
size_t PageOf(const std::vector<MapPage>& pages, const std::string& path) {
  const auto after = std::upper_bound(pages.begin(), pages.end(), path,
                                      [](const std::string& p, const MapPage& page) { return p < page.first_path; });
  return after == pages.begin() ? 0 : static_cast<size_t>(after - pages.begin()) - 1;
}

// Whether WAL tells of no change in any main fork. Each of them is known to be the file that the parent read.
Result<bool> UnchangedByWal(std::span<const MappedFile> files, const ChangeSource& source) {
  for (const MappedFile& file : files) {
    const auto relation = ParseRelationPath(file.path);
    if (!relation || relation->file.fork != Fork::kMain) continue;
    PITR_ASSIGN(const FileChange change, source.Ask({file.path, *relation, file.size_bytes, true}));
    if (change.answer != FileChange::Answer::kUnchanged) return false;
  }
  return true;
}

Result<bool> IsUnchanged(std::span<const MappedFile> files, const MapPage& page, const ChangeSource& source) {
  if (page.state.files.empty() || files.size() != page.files || files.empty() || files.front().path != page.first_path)
    return false;
  MapPageSum sum;
  for (const MappedFile& file : files) sum.Add(file);
  const MapPageState state = sum.Finish();
  if (state.files != page.state.files) return false;
  if (!page.state.times.empty() && state.times == page.state.times) return true;
  return UnchangedByWal(files, source);
}

// Ranges alone: no page is taken over.
PagePlan PagesOfParent(const std::vector<MappedFile>& listing, const ParentBackup& parent) {
  const std::vector<MapPage>& pages = parent.list.pages;
  PagePlan plan;
  plan.kept.assign(pages.size(), false);
  for (size_t i = 0; i < pages.size(); i++) {
    const auto first =
        std::lower_bound(listing.begin(), listing.end(), pages[i].first_path,
                         [](const MappedFile& file, const std::string& path) { return file.path < path; });
    // What comes before all that the parent has goes with its first page.
    plan.first.push_back(i == 0 ? 0 : static_cast<uint32_t>(first - listing.begin()));
  }
  plan.first.push_back(static_cast<uint32_t>(listing.size()));
  assert(std::is_sorted(plan.first.begin(), plan.first.end()));
  return plan;
}

}  // namespace

size_t PagePlan::kept_count() const { return static_cast<size_t>(std::count(kept.begin(), kept.end(), true)); }

Result<PagePlan> PlanPages(const std::vector<MappedFile>& listing, const ParentBackup& parent,
                           const ChangeSource& source, bool stamps_hold) {
  PagePlan plan = PagesOfParent(listing, parent);
  if (!stamps_hold) return plan;
  const std::vector<MapPage>& pages = parent.list.pages;
  std::vector<bool> damaged(pages.size(), false);
  for (const PageError& error : parent.manifest.page_errors)
    if (!pages.empty()) damaged[PageOf(pages, error.path)] = true;
  for (size_t i = 0; i < pages.size(); i++) {
    if (damaged[i]) continue;
    const std::span<const MappedFile> files(listing.data() + plan.first[i], plan.first[i + 1] - plan.first[i]);
    PITR_ASSIGN(const bool unchanged, IsUnchanged(files, pages[i], source));
    plan.kept[i] = unchanged;
  }
  return plan;
}

}  // namespace pitr
