// From the settings to what opens the repository's store. Pure function.
#pragma once
#include "core/config/config.h"
#include "core/store/open.h"

namespace pitr {

// kInvalidArgument as ValidateConfig, or for an S3 setting that cannot work. Reads no file and connects to nothing.
Result<StoreConfig> MakeStoreConfig(const Config& config);

}  // namespace pitr
