// From settings to a store that is ready for use: the only place where decorators are chosen.
#pragma once
#include <memory>
#include <string>

#include "core/base/log.h"
#include "core/store/object_store.h"
#include "core/store/retry.h"
#include "core/store/s3_config.h"

namespace pitr {

struct StoreConfig {
  std::string url;  // file:///absolute/directory or s3://bucket/prefix
  S3Config s3;      // for s3://; bucket and prefix come from the URL
  RetryPolicy retry;
  bool create = false;  // a directory that does not exist is made, within one that does: only for creating a repository
};

// Opens the store the URL names, with retries around it. Connects to nothing. `log` and `clock` are borrowed for the
// life of the store. kInvalidArgument for a URL or setting that cannot work; with `create` also errors of making
// the directory.
Result<std::unique_ptr<ObjectStore>> OpenStore(const StoreConfig& config, Log& log, const Clock& clock = SystemClock());

}  // namespace pitr
