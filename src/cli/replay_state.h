// How far a server that is in recovery has replayed, asked with psql: pg_pitr itself is no client of PostgreSQL.
#pragma once
#include <string>

#include "core/base/status.h"
#include "core/pg/lsn.h"

namespace pitr::cli {

struct ReplayState {
  bool paused = false;
  Lsn replayed;  // end of the last record that was replayed
};

// As the user that runs this, on the socket that postmaster.pid names, with psql from beside this program or from PATH.
// Blocks for some seconds at the most. kNotFound: no server has that directory open. kUnavailable: it could not be
// asked, or is not in recovery; the detail says what psql said.
Result<ReplayState> AskReplayState(const std::string& data_directory);

}  // namespace pitr::cli
