// From settings to what the stores want to know. Pure function.
#pragma once
#include "core/config/config.h"
#include "core/store/open.h"

namespace pitr {

// kInvalidArgument as ValidateConfig, or for an S3 setting that cannot work.
Result<StoreConfig> StoreSettings(const Config& config);

}  // namespace pitr
