// What a failed system call on a file means to the caller. Pure function; any thread.
#pragma once
#include <string>

#include "core/base/status.h"

namespace pitr {

// `what` names the operation and the path ("writing \"/repo/a\""). Never kNotFound: whether a missing file is
// a missing object, only the caller knows. Space and quota are kUnavailable (somebody may free some), access
// rights and read-only file systems kPermission, impossible requests kInvalidArgument, the rest kUnavailable.
Status FileError(int error, const std::string& what);

}  // namespace pitr
