#include "core/backup/plan/work_plan.h"

#include <algorithm>
#include <cassert>
#include <string_view>

#include "core/base/bytes.h"
#include "core/pg/relation_file.h"

namespace pitr {
namespace {

constexpr uint64_t kSlicesPerJob = 16;

std::string_view NameOf(const MappedFile& file) {
  const std::string_view path = file.path;
  return path.substr(path.rfind('/') + 1);
}

uint64_t SliceSize(const std::vector<MappedFile>& files, std::span<const FileRange> ranges, int jobs) {
  assert(jobs > 0);
  uint64_t total = 0;
  for (const FileRange& range : ranges)
    for (uint32_t i = range.first; i < range.end; i++) total += files[i].size_bytes;
  const uint64_t even = total / (static_cast<uint64_t>(jobs) * kSlicesPerJob) / kMiB * kMiB;
  return std::clamp(even, kMinSliceBytes, kSliceBytes);
}

void AddFile(const MappedFile& file, uint32_t index, uint64_t slice, WorkPlan& plan) {
  if (file.size_bytes < kMiB) {
    plan.order.push_back(index);
  } else if (file.size_bytes <= slice || !HasPages(file.path)) {
    plan.units.push_back({.first = index, .to = file.size_bytes});
  } else {
    for (uint64_t from = 0; from < file.size_bytes; from += slice)
      plan.units.push_back(
          {.first = index, .from = from, .to = std::min(from + slice, file.size_bytes), .whole = false});
  }
}

}  // namespace

WorkPlan PlanWork(const std::vector<MappedFile>& files, std::span<const FileRange> ranges, int jobs,
                  const std::function<bool(uint32_t)>& skip) {
  WorkPlan plan;
  const uint64_t slice = SliceSize(files, ranges, jobs);
  for (const FileRange& range : ranges)
    for (uint32_t i = range.first; i < range.end; i++)
      if (files[i].size_bytes != 0 && !(skip && skip(i))) AddFile(files[i], i, slice, plan);
  std::stable_sort(plan.units.begin(), plan.units.end(),
                   [](const WorkUnit& a, const WorkUnit& b) { return a.to - a.from > b.to - b.from; });
  // Every database has the same system catalogs under the same names: side by side they compress to almost nothing.
  for (size_t i = 0; i < plan.order.size(); i += kAlikeFiles) {
    const auto first = plan.order.begin() + static_cast<ptrdiff_t>(i);
    const auto end = first + static_cast<ptrdiff_t>(std::min(kAlikeFiles, plan.order.size() - i));
    std::sort(first, end, [&](uint32_t a, uint32_t b) {
      const auto names = NameOf(files[a]).compare(NameOf(files[b]));
      return names != 0 ? names < 0 : files[a].path < files[b].path;
    });
  }
  for (size_t i = 0; i < plan.order.size();) {
    WorkUnit unit;
    unit.first = i;
    uint64_t bytes = 0;
    while (i < plan.order.size() && unit.count < kGroupFiles && bytes < kGroupBytes) {
      bytes += files[plan.order[i]].size_bytes;
      unit.count++;
      i++;
    }
    assert(unit.count > 0);
    plan.units.push_back(unit);
  }
  return plan;
}

}  // namespace pitr
