// Whether a server goes on where the archive's timeline of that number ends: two that were recovered to one point have
// given their timelines the same number and the same history file, and only their WAL tells them apart.
#pragma once
#include <string>

#include "core/pg/wal_name.h"
#include "core/repo/repository.h"

namespace pitr {

// Compares the segment before `segment` in `wal_directory` with the stored one; when the server has it no more, looks
// whether the first record of `segment` names the last of the stored one, up to segments of 64 MB, in memory. Ok when
// they go together, and when what to compare with is not stored: then nothing is known. kConflict when another server
// wrote what is stored. Other errors are the store's.
Status CheckPredecessor(const Repository& repository, const WalFileName& segment, const std::string& wal_directory,
                        const OpContext& ctx);

}  // namespace pitr
