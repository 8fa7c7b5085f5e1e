#include "core/store/open.h"

#include "core/store/directory.h"
#include "core/store/s3.h"
#include "core/store/store_url.h"

namespace pitr {
namespace {

// The driver alone, without decorators.
Result<std::unique_ptr<ObjectStore>> OpenDriver(const StoreConfig& config, const Clock& clock) {
  PITR_ASSIGN(const StoreUrl url, ParseStoreUrl(config.url));
  if (!url.s3()) {
    PITR_ASSIGN(std::unique_ptr<ObjectStore> store, DirectoryStore::Open(url.directory, config.create));
    return store;
  }
  PITR_ASSIGN(const S3Config named, ParseS3Url(config.url));
  S3Config s3 = config.s3;
  s3.bucket = named.bucket;
  s3.prefix = named.prefix;
  return OpenS3(s3, clock);
}

}  // namespace

Result<std::unique_ptr<ObjectStore>> OpenStore(const StoreConfig& config, Log& log, const Clock& clock) {
  PITR_ASSIGN(std::unique_ptr<ObjectStore> driver, OpenDriver(config, clock));
  return std::unique_ptr<ObjectStore>(std::make_unique<RetryingStore>(std::move(driver), config.retry, log));
}

}  // namespace pitr
