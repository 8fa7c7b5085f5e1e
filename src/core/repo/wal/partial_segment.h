// wal/<timeline>/<segment>.<end>.partial: the beginning of a segment whose rest was never written where it came from:
// the last one of a server that died, or what a standby had of it. Several of one segment may be stored, each up to
// another position; they are the beginnings of one another and of the whole segment, which every reader prefers.
#pragma once
#include <string>
#include <vector>

#include "core/pg/wal_extent.h"
#include "core/pg/wal_name.h"
#include "core/repo/repository.h"
#include "core/repo/wal/wal_source.h"

namespace pitr {

struct PartialSegment {
  WalFileName name;  // kPartial
  Lsn end;           // of the last complete record in it
  std::string key;
};

// nullopt when `key` is not that of a partial segment of this repository.
std::optional<PartialSegment> ParsePartialSegment(const Repository& repository, const std::string& key);

// Those of one segment, the longest last. Errors as ObjectStore::List.
Result<std::vector<PartialSegment>> ListPartialSegments(const Repository& repository, const std::string& segment_name,
                                                        const OpContext& ctx);

// Gives the whole segment to `sink`: the stored bytes up to the end, then zeroes. As StreamWalFile.
Status StreamPartialSegment(const Repository& repository, const PartialSegment& partial,
                            const ObjectStreamReader::Sink& sink, const OpContext& ctx);

// How far a local file was written. `start` is its segment's first position.
Result<WalExtent> ExtentOf(const WalSource& source, Lsn start, TornRecord torn);

}  // namespace pitr
