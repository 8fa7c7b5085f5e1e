#include "core/repo/archive/wal_seal.h"

#include <algorithm>
#include <cassert>
#include <mutex>

#include "core/base/parallel_for.h"
#include "core/repo/envelope/json_fields.h"
#include "core/repo/layout.h"
#include "core/store/absence.h"

namespace pitr {
namespace {

constexpr size_t kMaxSealBytes = size_t{1} << 16;
constexpr uint64_t kSealVersion = 1;
constexpr int kSealReaders = 8;

std::string EncodeSeal(const WalSeal& seal, uint64_t segments, int64_t now_micros) {
  return JsonText(Json{{"pg_pitr_sealed", kSealVersion},
                       {"segments", segments},
                       {"stored_bytes", seal.stored_bytes},
                       {"newest_micros", seal.newest_micros},
                       {"sealed_micros", now_micros}});
}

Result<WalSeal> DecodeSeal(const Bytes& plain, uint64_t segments) {
  PITR_ASSIGN(const Json document, ParseJsonObject(AsText(plain), "seal"));
  const JsonFields fields(document, "seal");
  uint64_t version = 0, sealed = 0;
  WalSeal seal;
  PITR_TRY(fields.Unsigned("pg_pitr_sealed", kSealVersion, version));
  PITR_TRY(fields.Unsigned("segments", sealed));
  PITR_TRY(fields.Unsigned("stored_bytes", seal.stored_bytes));
  PITR_TRY(fields.Signed("newest_micros", seal.newest_micros));
  if (sealed != segments)
    return Status(Code::kCorruption,
                  "it is about " + std::to_string(sealed) + " segments instead of " + std::to_string(segments));
  return seal;
}

// What of `ranges` lies in sealed groups; each part in one.
std::vector<SegmentRange> SealedParts(const std::map<WalGroup, WalSeal>& seals, const std::vector<SegmentRange>& ranges,
                                      uint32_t segment_size) {
  std::vector<SegmentRange> parts;
  for (const SegmentRange& range : ranges) {
    for (const auto& [group, seal] : seals) {
      SegmentRange part = SegmentsOf(group, segment_size);
      part.first = std::max(part.first, range.first);
      part.last = std::min(part.last, range.last);
      if (group.timeline == range.timeline && part.first <= part.last) parts.push_back(part);
    }
  }
  return parts;
}

}  // namespace

Result<std::map<WalGroup, WalSeal>> LoadSeals(const Repository& repository, const OpContext& ctx) {
  std::vector<WalGroup> groups;
  PITR_TRY(ListAll(repository.store(), std::string(layout::kSealPrefix), ctx, [&](const ObjectInfo& object) {
    if (const auto group = layout::ParseSealKey(object.key)) groups.push_back(*group);
    return Status::Ok();
  }));
  std::map<WalGroup, WalSeal> seals;
  std::mutex mutex;
  PITR_TRY(ParallelFor(kSealReaders, groups.size(), ctx, [&](size_t i, int) -> Status {
    const std::string key = layout::SealKey(groups[i]);
    auto plain = repository.ReadObject(ObjectKind::kWalSeal, key, kMaxSealBytes, ctx);
    if (plain.code() == Code::kNotFound) return Status::Ok();  // broken since it was listed
    if (!plain.ok() && IsOfTheStore(plain.code())) return std::move(plain).status();
    auto seal = plain.ok() ? DecodeSeal(plain.value(), SegmentsInGroup(repository.segment_size()))
                           : Result<WalSeal>(std::move(plain).status());
    const std::lock_guard lock(mutex);
    if (seal.ok()) {
      seals[groups[i]] = seal.value();
    } else {
      repository.log().Warning("object \"" + key + "\" is not used: " + seal.status().ToString());
    }
    return Status::Ok();
  }));
  return seals;
}

std::vector<KeyRange> SealedKeys(std::string_view prefix, const std::map<WalGroup, WalSeal>& seals) {
  std::vector<KeyRange> ranges;
  WalGroup last;
  for (const auto& [group, seal] : seals) {
    const std::string below = layout::GroupPrefix(prefix, group);
    if (ranges.empty() || group.timeline != last.timeline || group.number != last.number + 1)
      ranges.push_back({below, below});
    assert(ranges.back().last <= below);
    ranges.back().last = below;
    last = group;
  }
  return ranges;
}

uint64_t SealedSegments(const std::map<WalGroup, WalSeal>& seals, const std::vector<SegmentRange>& ranges,
                        uint32_t segment_size) {
  uint64_t segments = 0;
  for (const SegmentRange& part : SealedParts(seals, ranges, segment_size))
    segments += part.last.value - part.first.value + 1;
  return segments;
}

Result<bool> SealsHold(const Repository& repository, const std::map<WalGroup, WalSeal>& seals,
                       const std::vector<SegmentRange>& ranges, const OpContext& ctx) {
  const uint32_t size = repository.segment_size();
  for (const SegmentRange& part : SealedParts(seals, ranges, size)) {
    uint64_t there = 0;
    PITR_TRY(ListSegments(repository, part, ctx, [&](SegmentNo, const ObjectInfo&) {
      ++there;
      return Status::Ok();
    }));
    if (there == part.last.value - part.first.value + 1) continue;
    repository.log().Warning("object \"" + layout::SealKey(GroupOf(part.timeline, part.first, size)) +
                             "\" speaks of WAL segments that are not there");
    return false;
  }
  return true;
}

Status StoreSeal(const Repository& repository, const WalGroup& group, const WalSeal& seal, const OpContext& ctx) {
  const std::string content = EncodeSeal(seal, SegmentsInGroup(repository.segment_size()), ctx.clock->WallMicros());
  return repository.CreateObject(ObjectKind::kWalSeal, layout::SealKey(group), AsBytes(content), ctx);
}

Status BreakSeal(const Repository& repository, const WalGroup& group, const OpContext& ctx) {
  const std::string key = layout::SealKey(group);
  PITR_TRY(repository.store().Delete({key}, ctx));
  PITR_ASSIGN(const bool there, IsThere(repository.store(), key, ctx));
  if (!there) return Status::Ok();
  return {Code::kUnavailable, "the store has deleted object \"" + key + "\" and still has it"};
}

}  // namespace pitr
