// The server's own settings of archiving, beside pg_pitr's. Main thread.
#pragma once
#include "server/pg.h"

extern "C" {
#include "access/xlog.h"
}

namespace pitr::server {

inline bool ArchiveCommandIsSet() { return XLogArchiveCommand != nullptr && XLogArchiveCommand[0] != '\0'; }

// With archive_command and archive_library both set the archiver of 16 and later gives up, again and again; 15 uses the
// library.
inline bool ArchiveCommandHinders() { return PITR_ARCHIVE_COMMAND_EXCLUDES_LIBRARY && ArchiveCommandIsSet(); }

}  // namespace pitr::server
