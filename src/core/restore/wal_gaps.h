// WAL that the archive lacks along the paths that recoveries take, within a timeline and across the points where one
// left another: the one rule behind info, check, plan and verify. Pure functions.
#pragma once
#include <string>
#include <vector>

#include "core/repo/backups/backup_catalog.h"
#include "core/restore/wal_path.h"

namespace pitr {

// What retention has to do with missing segments. Of a backup that is kept alone (pinned, or the first of its month) it
// keeps the WAL from its start to its stop; what follows goes, up to the start of the next backup, oldest first.
enum class Expired {
  kNo,
  kPartly,  // no backup reaches it, as it begins right behind one; there is other WAL before the next
  kWhole    // all that lies between two backups
};

struct WalGap {
  WalSpan span;
  Expired expired = Expired::kNo;
};

// The last segment that is known to have been written on the path: the newest in the archive, or the last whole one
// before the path's own timeline began, whose history file proves it. nullopt when neither is there.
std::optional<SegmentNo> KnownEnd(const WalPath& path);

// What is missing from the oldest backup that leads along the path up to its known end; nothing without such a backup.
std::vector<WalGap> FindGaps(const WalPath& path, const BackupCatalog& backups);

// What is missing behind `from` up to the known end of the path.
std::vector<WalSpan> MissingAfter(const WalPath& path, SegmentNo from);

// What is missing of the path from its oldest segment in the archive up to its known end, whatever backups there are.
std::vector<WalSpan> MissingAlong(const WalPath& path, const WalCatalog& wal);

// The same of every timeline's path, ascending by timeline and position, each segment once.
std::vector<WalSpan> MissingFromArchive(const WalCatalog& wal, uint32_t segment_size);

uint64_t CountSegments(const std::vector<WalSpan>& spans);
// "000000010000000000000003, 000000010000000000000007 to 000000010000000000000009 (3 segments)"; "" for none.
std::string DescribeSpans(const std::vector<WalSpan>& spans, uint32_t segment_size);
// A sentence: where the missing segments may still be, and the command that archives them from there.
std::string HowToCloseGap(const std::vector<WalSpan>& missing, uint32_t segment_size);

}  // namespace pitr
