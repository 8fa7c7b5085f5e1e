// The small objects, read whole: start objects, what lies aside (pins, expire marks, partial maps, results of
// verifications), and the file maps held against manifest and packs.
#pragma once
#include <vector>

#include "core/verify/listing.h"

namespace pitr {

// Reads what was listed aside, the start object and the list of pages of every backup of the table, and every page
// once, several at a time; sets what the table says of pages, `mapped`, and the number of extents of each pack. Memory:
// `jobs` times what StreamMapPage or ReadPartialMap takes, and some 400 bytes for each page.
Status CheckFileMaps(const Repository& repository, const VerifyListing& listing, int jobs, CheckedPacks& table,
                     FindingList& findings, const OpContext& ctx);

// Sets files and backups of every finding about a pack: exactly those whose bytes lie in the bad stretch, by reading
// the pages that list the pack once more. A pack that is missing or has another size hurts them all.
// Other findings are left as they are. Memory: a few words for each frame that is bad.
Status NameFiles(const Repository& repository, const CheckedPacks& table, std::vector<Finding>& findings,
                 const OpContext& ctx);

}  // namespace pitr
