// The server that writes into a directory of WAL, as far as this user may see it. Reads only; any thread.
#pragma once
#include <string>

namespace pitr {

// A sentence about the server that runs and whose pg_wal this directory is, wherever it lies; "" when none is seen.
std::string ServerWritingTo(const std::string& wal_directory);

}  // namespace pitr
