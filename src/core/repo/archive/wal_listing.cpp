#include "core/repo/archive/wal_listing.h"

#include "core/repo/layout.h"

namespace pitr {

Status ListSegments(const Repository& repository, const SegmentRange& range, const OpContext& ctx,
                    const std::function<Status(SegmentNo segment, const ObjectInfo& object)>& each) {
  const uint32_t size = repository.segment_size();
  const std::string prefix = layout::WalTimelinePrefix(range.timeline);
  const std::string end = layout::WalKey(SegmentFileName(range.timeline, range.last, size));
  std::string after = prefix;
  if (range.first.value > 0)
    after = layout::WalKey(SegmentFileName(range.timeline, SegmentNo{range.first.value - 1}, size));
  if (after >= end) return Status::Ok();
  return ListFrom(repository.store(), prefix, after, ctx, [&](const ObjectInfo& object) -> Result<bool> {
    if (object.key > end) return false;
    const auto name = layout::WalNameOfKey(object.key);
    const auto parsed = name ? ParseWalFileName(*name, size) : std::nullopt;
    if (parsed && parsed->kind == WalFileKind::kSegment) PITR_TRY(each(parsed->segment, object));
    return object.key < end;
  });
}

Status ListAllBut(ObjectStore& store, const std::string& prefix, const std::vector<KeyRange>& left_out,
                  const OpContext& ctx, const std::function<Status(const ObjectInfo& object)>& each,
                  const std::function<void(size_t range)>& passed) {
  size_t next = 0;
  const auto pass = [&] {
    if (passed) passed(next);
    ++next;
  };
  std::string after;
  for (;;) {
    bool met = false;
    PITR_TRY(ListFrom(store, prefix, after, ctx, [&](const ObjectInfo& object) -> Result<bool> {
      met = next < left_out.size() && object.key >= left_out[next].first;
      if (!met) PITR_TRY(each(object));
      return !met;
    }));
    if (!met) break;
    after = left_out[next].last + "~";  // behind every key that begins so
    pass();
  }
  while (next < left_out.size()) pass();
  return Status::Ok();
}

}  // namespace pitr
