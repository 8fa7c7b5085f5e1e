#include "core/store/open.h"

#include "core/store/directory.h"
#include "core/store/s3.h"

namespace pitr {
namespace {

constexpr std::string_view kFileScheme = "file://";
constexpr std::string_view kS3Scheme = "s3://";

// The driver alone, without decorators.
Result<std::unique_ptr<ObjectStore>> OpenDriver(const StoreConfig& config, const Clock& clock) {
  if (config.url.starts_with(kFileScheme)) {
    std::string root = config.url.substr(kFileScheme.size());
    if (!root.starts_with('/'))
      return Status(Code::kInvalidArgument, "invalid repository URL \"" + config.url + "\"")
          .WithHint("A directory is written file:///absolute/path, with three slashes.");
    PITR_ASSIGN(std::unique_ptr<ObjectStore> store, DirectoryStore::Open(root, config.create));
    return store;
  }
  if (config.url.starts_with(kS3Scheme)) {
    PITR_ASSIGN(S3Config named, ParseS3Url(config.url));
    S3Config s3 = config.s3;
    s3.bucket = named.bucket;
    s3.prefix = named.prefix;
    return OpenS3(s3, clock);
  }
  return Status(Code::kInvalidArgument, "invalid repository URL \"" + config.url + "\"")
      .WithHint("Use file:///absolute/path or s3://bucket/prefix.");
}

}  // namespace

std::string StoreDirectory(const std::string& url) {
  return url.starts_with(kFileScheme) ? url.substr(kFileScheme.size()) : std::string();
}

Result<std::unique_ptr<ObjectStore>> OpenStore(const StoreConfig& config, Log& log, const Clock& clock) {
  PITR_ASSIGN(std::unique_ptr<ObjectStore> driver, OpenDriver(config, clock));
  return std::unique_ptr<ObjectStore>(std::make_unique<RetryingStore>(std::move(driver), config.retry, log));
}

}  // namespace pitr
