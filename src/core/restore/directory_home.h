// Where a data directory lived when its server archived last, remembered in it (pg_pitr.directory): a clone of it, a
// snapshot or cp -a, has the original's file and another home. Two servers of one cluster that run on one machine and
// write one timeline are the original and a clone, whatever else is known of them, and the clone is the one that is not
// where it was (docs/design/009-restored-servers.md). On different machines nothing tells a clone from a server that
// was moved. Never part of a backup. Any thread.
#pragma once
#include <string>

#include "core/pg/control.h"

namespace pitr {

inline constexpr const char* kDirectoryHomeFile = "pg_pitr.directory";

// Whether the directory is where it was: by path and inode, or, when it was renamed, by device and inode. True as well
// where nothing is remembered.
bool IsAtHome(const std::string& data_directory);

// ArchivingHeld (repo/opening/archive_hold.h) for a clone beside its original; what ends it is in the hint. Ok, and the
// home is remembered if it can be written, for every other server that writes: one that was moved goes on without a
// word. A server that recovers, or has a timeline of its own, is no clone.
Status CheckNoClone(SystemId system_id, const std::string& data_directory);

}  // namespace pitr
