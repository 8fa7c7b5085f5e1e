#include "core/repo/timelines/ancestor_segments.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>

#include "core/pg/wal_name.h"
#include "core/pg/wal_page.h"
#include "core/repo/archive/wal_listing.h"
#include "core/repo/layout.h"
#include "core/repo/wal/wal_check.h"
#include "core/repo/wal/wal_source.h"

namespace pitr {
namespace {

bool LiesOnPath(const TimelineHistory& history, const WalFileName& name, uint32_t segment_size) {
  const auto leaves = history.SwitchPoint(name.timeline);
  return name.kind == WalFileKind::kSegment && leaves && name.segment < SegmentOf(*leaves, segment_size) &&
         history.TimelineOfSegment(name.segment, segment_size) == name.timeline;
}

bool IsWhatItsNameSays(const std::string& path, const WalFileName& name, const ClusterIdentity& cluster) {
  const auto source = WalSource::Open(path);
  if (!source.ok() || source.value().size_bytes() != cluster.segment_size_bytes) return false;
  std::array<uint8_t, kLongWalPageHeaderSize> first;
  if (!source.value().ReadAt(0, first).ok()) return false;
  const auto header = CheckSegmentHeader(first);
  return header.ok() &&
         CheckSegmentIs(header.value(), cluster.system_id, name.timeline, name.segment, cluster.segment_size_bytes)
             .ok();
}

}  // namespace

Result<std::vector<std::string>> AncestorSegments(const TimelineHistory& history, const ClusterIdentity& cluster,
                                                  const std::string& wal_directory) {
  std::vector<std::string> names;
  std::error_code error;
  std::filesystem::directory_iterator entry(wal_directory, error), end;
  for (; !error && entry != end; entry.increment(error)) {
    std::string name = entry->path().filename().string();
    const auto parsed = ParseWalFileName(name, cluster.segment_size_bytes);
    if (parsed && LiesOnPath(history, *parsed, cluster.segment_size_bytes) &&
        IsWhatItsNameSays(entry->path().string(), *parsed, cluster))
      names.push_back(std::move(name));
  }
  if (error) return Status(Code::kUnavailable, "reading directory \"" + wal_directory + "\": " + error.message());
  std::sort(names.begin(), names.end());
  return names;
}

Result<std::vector<std::string>> NotArchived(const Repository& repository, const std::vector<std::string>& names,
                                             const OpContext& ctx) {
  std::vector<std::string> missing;
  for (auto name = names.begin(); name != names.end();) {
    PITR_ASSIGN(const WalFileName first, CheckWalName(repository, *name));
    auto next = name;
    while (next != names.end() && ParseWalFileName(*next, repository.segment_size())->timeline == first.timeline)
      ++next;
    PITR_ASSIGN(const WalFileName last, CheckWalName(repository, *(next - 1)));
    std::set<std::string> stored;
    PITR_TRY(ListSegments(repository, {first.timeline, first.segment, last.segment}, ctx,
                          [&](SegmentNo, const ObjectInfo& object) {
                            stored.insert(object.key);
                            return Status::Ok();
                          }));
    std::vector<std::string> relied_on;
    for (auto each = name; each != next; ++each) {
      const std::string key = layout::WalKey(*each);
      (stored.contains(key) ? relied_on : missing).push_back(stored.contains(key) ? key : *each);
    }
    PITR_TRY(repository.store().Settle(relied_on, ctx));
    name = next;
  }
  return missing;
}

}  // namespace pitr
