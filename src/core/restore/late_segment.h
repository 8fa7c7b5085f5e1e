// WAL that was archived after a restore was planned. A recovery to the end of the archive replays that, too, and a
// CREATE TABLESPACE in it is made in a place that the restore has not looked at: beside a running original, in the
// original's. So each such segment is looked at before the server gets it. Blocks; any thread.
#pragma once
#include <optional>
#include <string>

#include "core/pg/wal_name.h"
#include "core/repo/repository.h"

namespace pitr {

// Up to where the plan knew what the recovery of this data directory replays. nullopt: it ends where it was planned, is
// that of a standby, is over, or nobody restored the directory.
std::optional<Lsn> KnownUntil(const std::string& data_directory);

// `file`: the segment as it was fetched for the server of `data_directory`. kConflict when it makes a tablespace in a
// place that another server uses, or that holds another's: the server must not get it. Ok for what was planned. What
// cannot be read is left to the server, which stops there. Memory: two segments.
Status CheckLateSegment(const Repository& repository, const std::string& data_directory, const WalFileName& segment,
                        const std::string& file, const OpContext& ctx);

}  // namespace pitr
