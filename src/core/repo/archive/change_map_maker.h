// Makes change maps of WAL segments that are stored, and reads segments that have none. Never in the way of a push:
// a map is an aid, and can be made at any time while its segment is in pg_wal or in the repository.
#pragma once
#include <optional>
#include <string>

#include "core/pg/segment_changes.h"
#include "core/repo/repository.h"

namespace pitr {

// Whether the file of this name gets a map: a whole segment, unless pg_pitr.change_map is off.
bool WantsChangeMap(const Repository& repository, const std::string& name);

// What the segment says that starts at `start` and is in the file `path` of pg_wal, which the server may take away or
// use for another segment at any time; with `end`, up to that position of a segment that it still writes. kNotFound
// when there is no such file; kCorruption, kUnavailable when it does not hold that segment whole. Memory: 1 MiB and the
// result.
Result<SegmentChanges> ReadLocalSegment(const std::string& path, Lsn start, uint32_t segment_size,
                                        std::optional<Lsn> end = std::nullopt);
// The same of the segment `name` in the repository. Errors as StreamWalFile.
Result<SegmentChanges> ReadStoredSegment(const Repository& repository, const std::string& name, const OpContext& ctx);

// Makes the map of the segment `name`, which is in the repository, and stores it: from the file `path` while that holds
// it, otherwise from the repository. Errors as ReadStoredSegment and StoreChangeMap.
Status MakeChangeMap(const Repository& repository, const std::string& name, const std::string& path,
                     const OpContext& ctx);

}  // namespace pitr
