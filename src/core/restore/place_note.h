// pg_pitr.place: a note in a directory outside of the data directory in which replay makes a tablespace, for whom it
// is. A directory that was restored and not started yet has nothing else that says so, and a server that is about to
// make its tablespace there neither. PostgreSQL keeps to its own directory beside the note.
//
// The note only leads to a data directory; whether that needs the place is seen there. So one that is left over hinders
// nobody. Blocks; any thread.
#pragma once
#include <optional>
#include <string>

#include "core/restore/cluster_tree.h"

namespace pitr {

inline constexpr std::string_view kPlaceNoteName = "pg_pitr.place";

// The data directory, other than `own`, for which `place` is noted and that still needs it: a link in its pg_tblspc
// leads there, its recovery is still to make a tablespace there, it is being restored or it recovers right now. What
// cannot be looked at counts as needed. nullopt: nobody is noted, or whoever was has no more to do with it.
std::optional<std::string> NotedUser(const std::string& place, const std::string& own);

// Whether the note in `place` is that of the data directory `own`.
bool IsNotedFor(const std::string& place, const std::string& own);

// Notes `place`, an absolute path that exists, for the data directory of `tree`, owned as that says. kConflict when
// somebody else came first (NotedUser). One process at a time gets it.
Status NotePlace(const ClusterTree& tree, const std::string& place);

}  // namespace pitr
