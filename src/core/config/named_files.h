// The files that settings name: whether this process can read them. Asked before anything is done with the store, so
// that what cannot be read is not found deep inside of it.
#pragma once
#include "core/base/status.h"
#include "core/config/config.h"

namespace pitr {

// Opens and closes each file that opening the repository reads: those for S3 only where it is on S3. Errors as
// UnreadableFile, with the setting to be corrected. Looks at no content.
Status CheckNamedFiles(const Config& config);

}  // namespace pitr
