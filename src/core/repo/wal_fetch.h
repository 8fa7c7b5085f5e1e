// Fetches one WAL file from the repository, verified.
#pragma once
#include <string>

#include "core/repo/repository.h"

namespace pitr {

// Writes the file `name` to `destination`: first to `destination` + ".pg_pitr.tmp", verified, fsynced, renamed. Nothing appears under
// `destination` unless it is whole and right; a segment has exactly the segment size and a header that matches its name and cluster.
// kNotFound only when the store confirmed that the object is absent; kCorruption names the object.
Status FetchWalFile(const Repository& repository, const std::string& name, const std::string& destination, const OpContext& ctx);

// The plain content in memory, verified in the same way. For reading WAL while planning.
Result<Bytes> FetchWalBytes(const Repository& repository, const std::string& name, const OpContext& ctx);

}  // namespace pitr
