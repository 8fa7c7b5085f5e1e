// The S3 driver: ObjectStore over the S3 REST protocol. See object_store.h for the contract it keeps.
//
// Objects in the bucket whose names no key can have (another program's) are not listed. List fails on a store
// that does not list in byte order. Conditional creation is If-None-Match: *; where the configuration says the store
// lacks it, Create and CompleteUpload look first, which two racing writers can defeat.
#pragma once
#include <memory>

#include "core/store/object_store.h"
#include "core/store/s3_config.h"
#include "core/store/s3_xml.h"

namespace pitr {

// Opens nothing yet: the first request connects. kInvalidArgument. `clock` is borrowed and must outlive the store.
Result<std::unique_ptr<ObjectStore>> OpenS3(const S3Config& config, const Clock& clock);

// The enabled rules by which the bucket deletes or moves objects by itself; none where the store has no such rules.
// kPermission when the credentials do not let us see them.
Result<std::vector<S3LifecycleRule>> ReadLifecycleRules(const S3Config& config, const Clock& clock,
                                                        const OpContext& ctx);

}  // namespace pitr
