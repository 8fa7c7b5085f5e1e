#include "core/repo/wal/partial_compare.h"

#include <algorithm>
#include <vector>

#include "core/repo/layout.h"
#include "core/repo/wal/partial_segment.h"
#include "core/repo/wal/wal_compare.h"

namespace pitr {

Result<std::optional<uint64_t>> StoredUpTo(const Repository& repository, const std::string& segment,
                                           const WalSource& source, uint64_t end, const OpContext& ctx) {
  auto whole = CompareWithStored(repository, {ObjectKind::kWal, layout::WalKey(segment), end}, source, ctx);
  if (whole.ok()) return std::optional<uint64_t>(whole.value());
  if (whole.code() != Code::kNotFound) return std::move(whole).status();
  PITR_ASSIGN(const std::vector<PartialSegment> partials, ListPartialSegments(repository, segment, ctx));
  std::optional<uint64_t> beyond;
  for (const PartialSegment& partial : partials) {
    const uint64_t its_end = partial.end.value - SegmentStart(partial.name.segment, repository.segment_size()).value;
    auto same =
        CompareWithStored(repository, {ObjectKind::kPartialSegment, partial.key, std::min(end, its_end)}, source, ctx);
    if (same.code() == Code::kNotFound) continue;  // removed since it was listed
    if (!same.ok()) return std::move(same).status();
    if (its_end < end) continue;
    beyond = same.value();
  }
  return beyond;
}

Status CheckPartialsOf(const Repository& repository, const std::string& segment, const WalSource& source,
                       const OpContext& ctx) {
  PITR_ASSIGN(const std::vector<PartialSegment> partials, ListPartialSegments(repository, segment, ctx));
  for (const PartialSegment& partial : partials) {
    const uint64_t end = partial.end.value - SegmentStart(partial.name.segment, repository.segment_size()).value;
    auto same = CompareWithStored(repository, {ObjectKind::kPartialSegment, partial.key, end}, source, ctx);
    // Removed since it was listed, or damaged, which verify says: it speaks against nothing.
    if (same.ok() || same.code() == Code::kNotFound || same.code() == Code::kCorruption) continue;
    if (same.code() != Code::kConflict) return std::move(same).status();
    const Status& difference = same.status();
    return Status(Code::kConflict, "another beginning of this segment is stored as \"" + partial.key + "\", up to " +
                                       partial.end.ToString() + ": two servers wrote it differently")
        .WithDetail(difference.detail() + " Nothing was stored or overwritten.")
        .WithHint(
            "A standby that was promoted, or a copy, archived what it had of the segment, and this server wrote "
            "it once more after it had lost that. Stop the one that should not run. If this server is the right "
            "one, keep the object elsewhere and delete it from the repository: then the segment can be stored.");
  }
  return Status::Ok();
}

}  // namespace pitr
