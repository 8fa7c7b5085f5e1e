#include "core/repo/archive/wal_sealer.h"

#include <algorithm>
#include <string>
#include <vector>

#include "core/repo/archive/wal_listing.h"
#include "core/repo/archive/wal_seal.h"

namespace pitr {
namespace {

constexpr size_t kSettledAtOnce = 1000;

// What a listing shows of a group.
struct Look {
  uint64_t segments = 0;
  bool whole = true;  // as far as sizes tell
  bool dated = true;  // each segment
  WalSeal seal;
};

Result<Look> LookAt(const Repository& repository, const WalGroup& group, bool settle, const OpContext& ctx) {
  Look look;
  std::vector<std::string> keys;
  const auto settle_some = [&]() -> Status {
    if (settle) PITR_TRY(repository.store().Settle(keys, ctx));
    keys.clear();
    return Status::Ok();
  };
  PITR_TRY(ListSegments(repository, SegmentsOf(group, repository.segment_size()), ctx,
                        [&](SegmentNo, const ObjectInfo& object) {
                          ++look.segments;
                          look.whole &= object.size >= kMinObjectBytes;
                          look.seal.stored_bytes += object.size;
                          look.seal.newest_micros = std::max(look.seal.newest_micros, object.modified_micros);
                          look.dated &= object.modified_micros != 0;
                          keys.push_back(object.key);
                          return keys.size() < kSettledAtOnce ? Status::Ok() : settle_some();
                        }));
  PITR_TRY(settle_some());
  if (!look.dated) look.seal.newest_micros = 0;
  look.whole &= look.segments == SegmentsInGroup(repository.segment_size());
  return look;
}

// An expiry may be about to delete in the group: it breaks a seal that it finds, and what it does after that the second
// look shows. So a seal that says too much stays only where both die.
Status SealGroup(const Repository& repository, const WalGroup& group, const OpContext& ctx) {
  const auto look = LookAt(repository, group, /*settle=*/true, ctx);
  if (look.code() == Code::kNotFound) return Status::Ok();  // somebody deletes
  if (!look.ok()) return look.status();
  if (!look.value().whole) return Status::Ok();
  const Status sealed = StoreSeal(repository, group, look.value().seal, ctx);
  if (sealed.code() == Code::kAlreadyExists) return Status::Ok();
  if (!sealed.ok()) return sealed;
  const auto again = LookAt(repository, group, /*settle=*/false, ctx);
  if (again.ok() && again.value().whole && again.value().seal.stored_bytes == look.value().seal.stored_bytes)
    return Status::Ok();
  PITR_TRY(BreakSeal(repository, group, ctx));
  return again.ok() ? Status::Ok() : again.status();
}

}  // namespace

Status SealWholeGroups(const Repository& repository, const WalCatalog& catalog, const std::set<WalGroup>& but,
                       const OpContext& ctx) {
  const uint64_t in_group = SegmentsInGroup(repository.segment_size());
  int left = kMaxSealedAtOnce;
  for (const auto& [timeline, held] : catalog.timelines()) {
    for (const WalRange& range : held.ranges) {
      for (uint64_t number = (range.first.value + in_group - 1) / in_group;
           left > 0 && (number + 1) * in_group <= range.last.value + 1; ++number) {
        const WalGroup group{timeline, static_cast<uint32_t>(number)};
        if (catalog.sealed().contains(group) || but.contains(group)) continue;
        PITR_TRY(SealGroup(repository, group, ctx));
        --left;
      }
    }
  }
  return Status::Ok();
}

}  // namespace pitr
