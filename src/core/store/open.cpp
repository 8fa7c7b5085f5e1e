#include "core/store/open.h"

#include "core/store/directory.h"

namespace pitr {
namespace {

constexpr std::string_view kFileScheme = "file://";

// The driver alone, without decorators.
Result<std::unique_ptr<ObjectStore>> OpenDriver(const StoreConfig& config) {
  if (config.url.starts_with(kFileScheme)) {
    std::string root = config.url.substr(kFileScheme.size());
    if (!root.starts_with('/'))
      return Status(Code::kInvalidArgument, "invalid repository URL \"" + config.url + "\"")
          .WithHint("A directory is written file:///absolute/path, with three slashes.");
    PITR_ASSIGN(std::unique_ptr<ObjectStore> store, DirectoryStore::Open(root, config.create));
    return store;
  }
  return Status(Code::kInvalidArgument, "invalid repository URL \"" + config.url + "\"")
      .WithHint("Use file:///absolute/path or s3://bucket/prefix.");
}

}  // namespace

Result<std::unique_ptr<ObjectStore>> OpenStore(const StoreConfig& config, Log& log, const Clock&) {
  PITR_ASSIGN(std::unique_ptr<ObjectStore> driver, OpenDriver(config));
  return std::unique_ptr<ObjectStore>(std::make_unique<RetryingStore>(std::move(driver), config.retry, log));
}

}  // namespace pitr
