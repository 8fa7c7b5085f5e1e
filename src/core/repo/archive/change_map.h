// The change map of a WAL segment: an object of its own with what SegmentChanges says, stored by whoever archives the
// segment and read by incremental backups (docs/format.md, "Change maps"). An aid: backups do without those that are
// missing.
#pragma once
#include "core/pg/segment_changes.h"
#include "core/pg/wal_name.h"
#include "core/repo/repository.h"

namespace pitr {

inline constexpr size_t kMaxChangeMapBytes = size_t{256} << 20;

// The content of the object, deterministic.
Bytes EncodeChangeMap(const SegmentChanges& segment);
// kCorruption for what EncodeChangeMap cannot have made; kInvalidArgument for a newer version. Memory: about twice the
// bytes.
Result<SegmentChanges> ParseChangeMap(ByteView bytes);

// Stores the map of the segment with this name. One that is there already was made of the same segment and is left
// alone: ok. Errors as Repository::CreateObject.
Status StoreChangeMap(const Repository& repository, std::string_view segment_name, const SegmentChanges& segment,
                      const OpContext& ctx);
// kNotFound when there is none; kCorruption when it is damaged or of another segment.
Result<SegmentChanges> LoadChangeMap(const Repository& repository, std::string_view segment_name, const OpContext& ctx);

}  // namespace pitr
