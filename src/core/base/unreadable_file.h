// Why a file that a setting names cannot be opened: which file, which user, whose it is. Any thread.
#pragma once
#include <string>

#include "core/base/status.h"

namespace pitr {

// After open(2) of `path` had failed with `error`. `what`: "passphrase file". kPermission when this user may not, with
// whose the file, or the first directory on the way that cannot be searched, is, and what helps; else kInvalidArgument.
Status UnreadableFile(const std::string& what, const std::string& path, int error);

// Opens and closes it. Errors as UnreadableFile.
Status CheckReadable(const std::string& what, const std::string& path);

}  // namespace pitr
