// The files that settings name: whether this process can read them. Asked before anything is done with the store, so
// that what cannot be read is not found deep inside of it.
#pragma once
#include "core/base/status.h"
#include "core/config/config.h"

namespace pitr {

// Opens and closes each file that opening the repository reads: those for S3 only where it is on S3. Errors as
// UnreadableFile, with the setting to be corrected. Secrets are read, as what they protect may not be there yet: errors
// as ReadSecretFile.
Status CheckNamedFiles(const Config& config);

}  // namespace pitr
