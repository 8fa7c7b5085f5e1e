// Whether a history file, which names no cluster, goes with what is known of this one: the histories and WAL that the
// repository has, and the cluster's segments that lie beside the file.
#pragma once
#include <map>
#include <string>

#include "core/pg/history.h"
#include "core/repo/repository.h"

namespace pitr {

// The first segment of each timeline that lies in a directory.
using FirstSegments = std::map<Timeline, SegmentNo>;

// `history`: what the file in `directory` says; `beside`: the cluster's own segments there. kConflict: it contradicts
// what is known, or nothing beside it or in the archive is of that timeline or of one that may come from it. A server
// that made or followed a timeline has a segment of it, so neither hinders its own pg_wal. Errors of the store.
Status CheckHistoryFits(const Repository& repository, const std::string& directory, const TimelineHistory& history,
                        const FirstSegments& beside, const OpContext& ctx);

}  // namespace pitr
