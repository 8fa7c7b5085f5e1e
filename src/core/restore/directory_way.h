// How a restore reaches a directory outside of its data directory: along which links, and by which descriptor. Root may
// write anywhere, so whoever can put a link on the way could have root write, or give away, what is not theirs. Any
// thread.
#pragma once
#include <unistd.h>

#include <string>

#include "core/base/status.h"
#include "core/base/unique_fd.h"

namespace pitr {

// Whose symbolic links are followed. Each component is opened by itself, so that none becomes a link meanwhile.
enum class WayLinks { kAll, kOfRoot };
inline WayLinks LinksToFollow() { return geteuid() == 0 ? WayLinks::kOfRoot : WayLinks::kAll; }

// Opens an absolute path for reading. kNotFound when it is absent; kInvalidArgument naming a link that is not followed;
// others as FileError.
Result<UniqueFd> OpenDirectoryWay(const std::string& path, WayLinks links = LinksToFollow());

// Makes the directory and those above it that are missing, with mode 0700, and the whole way durable. Those that exist
// stay as they are. Errors as OpenDirectoryWay.
Result<UniqueFd> MakeDirectoryWay(const std::string& path, WayLinks links = LinksToFollow());

}  // namespace pitr
