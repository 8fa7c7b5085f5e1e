// The WAL summaries of PostgreSQL 17 and later: files of pg_wal/summaries that say which blocks a range of WAL changes.
// Pure functions; any thread. Formats: backup/walsummary.c, common/blkreftable.c of 17 to 19.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/pg/block_changes.h"

namespace pitr {

// [start, end) of one timeline, by the file's name.
struct WalSummaryName {
  Timeline timeline;
  Lsn start;
  Lsn end;
  bool operator==(const WalSummaryName&) const = default;
};
// "0000000100000000010000280000000002000028.summary"; nullopt for any other name.
std::optional<WalSummaryName> ParseWalSummaryName(std::string_view name);
std::string WalSummaryFileName(const WalSummaryName& name);

// Adds what a summary file holds to `changes`. kCorruption when it is not right (then something may have been added);
// its last four bytes are the CRC of all before them. A relation that was created or dropped as part of a database has
// number 0 and stands for the whole database.
Status AddWalSummary(ByteView file, BlockChanges* changes);

// The summaries that together cover [from, to) of the timeline without a gap, in order; empty when they do not, and
// then `missing_from`, unless null, is where the first gap begins.
std::vector<WalSummaryName> CoverWithSummaries(std::span<const WalSummaryName> summaries, Timeline timeline, Lsn from,
                                               Lsn to, Lsn* missing_from);

}  // namespace pitr
