// Seals: what is stored of a whole group of WAL segments, said once in a small object, so that nobody has to list them
// again (docs/design/019-keys-by-range.md). A seal says that every segment of its group was there, durable, and that
// two listings had shown so; whoever deletes a segment breaks the seal first. It is an aid: a group without a seal, or
// with one that cannot be read, is listed.
#pragma once
#include <map>
#include <vector>

#include "core/repo/archive/wal_listing.h"
#include "core/repo/repository.h"
#include "core/repo/wal_group.h"

namespace pitr {

struct WalSeal {
  uint64_t stored_bytes = 0;  // of its segments together
  int64_t newest_micros = 0;  // when the newest of them was stored, by the store's clock; 0 when it does not date all
};

// Whether to take what seals say for what is stored, or to list everything.
enum class Seals { kBelieve, kIgnore };

// The seals of the repository; one request for a thousand and one for each. Those that cannot be read are reported in
// the log and left out. Errors are those of the store.
Result<std::map<WalGroup, WalSeal>> LoadSeals(const Repository& repository, const OpContext& ctx);

// The keys of the groups' WAL files or change maps, by their common prefix. Groups that follow each other make one
// range: between them lies nothing but perhaps a history file.
std::vector<KeyRange> SealedKeys(std::string_view prefix, const std::map<WalGroup, WalSeal>& seals);

// How many of the segments in `ranges` are in sealed groups.
uint64_t SealedSegments(const std::map<WalGroup, WalSeal>& seals, const std::vector<SegmentRange>& ranges,
                        uint32_t segment_size);

// Whether what `seals` say is there, as far as `ranges` go: one request for a thousand segments of theirs
// in sealed groups. False: list everything. Errors are those of the store.
Result<bool> SealsHold(const Repository& repository, const std::map<WalGroup, WalSeal>& seals,
                       const std::vector<SegmentRange>& ranges, const OpContext& ctx);

// Stores the seal of a group that was found to be whole. kAlreadyExists when it has one.
Status StoreSeal(const Repository& repository, const WalGroup& group, const WalSeal& seal, const OpContext& ctx);

// Deletes the seal of the group, if there is one. Ok: there is none, which two looks agree about. Otherwise nothing of
// the group may be deleted: kPermission and so on of a store that keeps it, or that does not answer.
Status BreakSeal(const Repository& repository, const WalGroup& group, const OpContext& ctx);

}  // namespace pitr
