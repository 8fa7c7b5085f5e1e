// The small objects, read whole: start objects, what lies aside (pins, expire marks, partial maps, results of
// verifications), and the file maps held against manifest and packs.
#pragma once
#include <vector>

#include "core/verify/listing.h"

namespace pitr {

// Reads what was listed aside, and the start object and the file map of every backup of the table,
// several at a time; sets `mapped` and the number of extents of each pack. Memory: `jobs` times what StreamFileMap
// or ReadPartialMap takes, and 24 bytes for each pack of a backup.
Status CheckFileMaps(const Repository& repository, const VerifyListing& listing, int jobs, CheckedPacks& table,
                     FindingList& findings, const OpContext& ctx);

// Sets files and backups of every finding about a pack: exactly those whose bytes lie in the bad stretch, by reading
// the file maps of the backups that list the pack once more. A pack that is missing or has another size hurts them all.
// Other findings are left as they are. Memory: a few words for each frame that is bad.
Status NameFiles(const Repository& repository, const CheckedPacks& table, std::vector<Finding>& findings,
                 const OpContext& ctx);

}  // namespace pitr
