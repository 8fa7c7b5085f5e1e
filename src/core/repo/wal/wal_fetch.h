// Fetches one WAL file from the repository, verified.
#pragma once
#include <string>

#include "core/repo/repository.h"

namespace pitr {

// `name` may be that of a partial segment, as PostgreSQL names it: then the longest that is stored of it is given as a
// whole segment, zeroes behind its end.
//
// Writes the file `name` to `destination`: first to a file of its own beside it
// (`destination` + ".pg_pitr.tmp.<process>.<number>"), verified, fsynced, renamed. Nothing appears under
// `destination` unless it is whole and right; a segment has exactly the segment size and a header that matches its name
// and cluster. kNotFound only when the store confirmed that the object is absent; kCorruption names the object;
// kInvalidArgument when `name` is no WAL file's or the destination's directory does not exist; kPermission,
// kUnavailable for local files as for the store. Memory: a frame or two. Any thread; processes that fetch to one
// destination do not disturb each other.
Status FetchWalFile(const Repository& repository, const std::string& name, const std::string& destination,
                    const OpContext& ctx);

// The plain content in memory, verified in the same way. For reading WAL while planning.
Result<Bytes> FetchWalBytes(const Repository& repository, const std::string& name, const OpContext& ctx);

// Gives the plain content to `sink` frame by frame (a segment's in whole pages); only when the result is ok was it the
// file that `name` stands for. Errors of `sink` end it. Memory: a frame or two.
Status StreamWalFile(const Repository& repository, const std::string& name, const ObjectStreamReader::Sink& sink,
                     const OpContext& ctx);

}  // namespace pitr
