#include "store_suite/stores.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <random>
#include <vector>

#include "core/store/directory.h"
#include "core/store/memory.h"
#include "core/store/retry.h"
#include "core/store/s3.h"
#include "lib/faulty_store.h"
#include "lib/loopback_s3.h"

namespace pitr::test {
namespace {

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

constexpr RetryPolicy kImpatient{.max_attempts = 50, .base_delay_millis = 1, .max_delay_millis = 2};

// Passes everything on to a store that somebody else owns.
template <class Store>
class Borrowed final : public ObjectStore {
 public:
  explicit Borrowed(std::shared_ptr<Store> store) : store_(std::move(store)) {}
  Status Create(const std::string& key, ByteView body, const OpContext& ctx) override {
    return store_->Create(key, body, ctx);
  }
  Status Get(const std::string& key, ByteRange range, const ByteSink& sink, const OpContext& ctx) override {
    return store_->Get(key, range, sink, ctx);
  }
  Result<ObjectInfo> Stat(const std::string& key, const OpContext& ctx) override { return store_->Stat(key, ctx); }
  Result<ListPage> List(const std::string& prefix, const std::string& after, const OpContext& ctx) override {
    return store_->List(prefix, after, ctx);
  }
  Status Delete(const std::vector<std::string>& keys, const OpContext& ctx) override {
    return store_->Delete(keys, ctx);
  }
  Result<std::string> BeginUpload(const std::string& key, const OpContext& ctx) override {
    return store_->BeginUpload(key, ctx);
  }
  Result<UploadPart> PutPart(const std::string& key, const std::string& id, int number, uint64_t offset, ByteView body,
                             const OpContext& ctx) override {
    return store_->PutPart(key, id, number, offset, body, ctx);
  }
  Status CompleteUpload(const std::string& key, const std::string& id, const std::vector<UploadPart>& parts,
                        const OpContext& ctx) override {
    return store_->CompleteUpload(key, id, parts, ctx);
  }
  Status AbortUpload(const std::string& key, const std::string& id, const OpContext& ctx) override {
    return store_->AbortUpload(key, id, ctx);
  }
  Result<std::vector<PendingUpload>> ListUploads(const std::string& prefix, const OpContext& ctx) override {
    return store_->ListUploads(prefix, ctx);
  }
  Status Settle(const std::vector<std::string>& k, const OpContext& c) override { return store_->Settle(k, c); }
  Result<std::optional<ObjectLock>> GetLock(const std::string& k, const OpContext& c) override {
    return store_->GetLock(k, c);
  }
  Status ExtendLock(const std::string& k, const ObjectLock& l, const OpContext& c) override {
    return store_->ExtendLock(k, l, c);
  }
  StoreCapabilities capabilities() const override { return store_->capabilities(); }
  std::string Describe() const override { return store_->Describe(); }

 private:
  std::shared_ptr<Store> store_;
};

class MemoryPlace final : public TestPlace {
 public:
  explicit MemoryPlace(bool flaky) : flaky_(flaky), memory_(std::make_shared<MemoryStore>()) {
    faulty_ = std::make_shared<FaultyStore>(*memory_);
    if (flaky) faulty_->FailEvery(3);
  }
  std::unique_ptr<ObjectStore> Open() override {
    if (!flaky_) return std::make_unique<Borrowed<MemoryStore>>(memory_);
    return std::make_unique<RetryingStore>(std::make_unique<Borrowed<FaultyStore>>(faulty_), kImpatient, NullLog());
  }

 private:
  const bool flaky_;
  std::shared_ptr<MemoryStore> memory_;
  std::shared_ptr<FaultyStore> faulty_;
};

class DirectoryPlace final : public TestPlace {
 public:
  DirectoryPlace() {
    std::string pattern = (std::filesystem::temp_directory_path() / "pitr-suite-XXXXXX").string();
    root_ = mkdtemp(pattern.data());
  }
  ~DirectoryPlace() override { std::filesystem::remove_all(root_); }
  std::unique_ptr<ObjectStore> Open() override {
    auto store = DirectoryStore::Open(root_ + "/repo", true);
    EXPECT_TRUE(store.ok()) << store.status().ToString();
    return std::move(store).value();
  }

 private:
  std::string root_;
};

class S3Place final : public TestPlace {
 public:
  explicit S3Place(S3Config config) : config_(std::move(config)) {}
  ~S3Place() override {
    const OpContext ctx = OpContext::WithTimeout(60000);
    auto store = Open();
    std::vector<std::string> batch;
    auto flush = [&] {
      if (!batch.empty()) { EXPECT_TRUE(store->Delete(batch, ctx).ok()); }
      batch.clear();
      return Status::Ok();
    };
    EXPECT_TRUE(ListAll(*store, "", ctx, [&](const ObjectInfo& object) {
                  batch.push_back(object.key);
                  return batch.size() == kMaxDeleteBatch ? flush() : Status::Ok();
                }).ok());
    (void)flush();
    auto uploads = store->ListUploads("", ctx);
    if (uploads.ok())
      for (const PendingUpload& upload : uploads.value()) (void)store->AbortUpload(upload.key, upload.upload_id, ctx);
  }
  std::unique_ptr<ObjectStore> Open() override {
    auto store = OpenS3(config_, SystemClock());
    EXPECT_TRUE(store.ok()) << store.status().ToString();
    return std::move(store).value();
  }

 private:
  const S3Config config_;
};

class LoopbackS3Place final : public TestPlace {
 public:
  explicit LoopbackS3Place(bool flaky) : flaky_(flaky), server_("bucket") {
    if (flaky) server_.FailEvery(3);
    config_.bucket = "bucket";
    config_.prefix = "pre/fix";
    config_.endpoint = server_.url();
    config_.credentials.environment = [](const char* name) -> std::optional<std::string> {
      if (std::string_view(name) == "AWS_ACCESS_KEY_ID") return "AKID";
      if (std::string_view(name) == "AWS_SECRET_ACCESS_KEY") return "loopback-secret";
      return std::nullopt;
    };
  }
  std::unique_ptr<ObjectStore> Open() override {
    auto store = OpenS3(config_, SystemClock());
    EXPECT_TRUE(store.ok()) << store.status().ToString();
    if (!flaky_) return std::move(store).value();
    return std::make_unique<RetryingStore>(std::move(store).value(), kImpatient, NullLog());
  }

 private:
  const bool flaky_;
  LoopbackS3 server_;
  S3Config config_;
};

}  // namespace

std::string StoreKindName(const ::testing::TestParamInfo<StoreKind>& info) {
  switch (info.param) {
    case StoreKind::kMemory:
      return "Memory";
    case StoreKind::kFlakyMemory:
      return "FlakyMemory";
    case StoreKind::kDirectory:
      return "Directory";
    case StoreKind::kS3Loopback:
      return "S3Loopback";
    case StoreKind::kFlakyS3Loopback:
      return "FlakyS3Loopback";
    case StoreKind::kS3Http:
      return "S3Http";
    case StoreKind::kS3Https:
      return "S3Https";
    case StoreKind::kS3VirtualHost:
      return "S3VirtualHost";
  }
  return "Unknown";
}

std::string MissingFor(StoreKind kind) {
  std::vector<const char*> needed;
  if (kind == StoreKind::kS3Http) needed = {"PITR_TEST_S3_HTTP"};
  if (kind == StoreKind::kS3Https || kind == StoreKind::kS3VirtualHost)
    needed = {"PITR_TEST_S3_HTTPS", "PITR_TEST_S3_CA", "PITR_TEST_S3_WRONG_CA"};
  if (!needed.empty())
    for (const char* name : {"PITR_TEST_S3_BUCKET", "PITR_TEST_S3_ACCESS_KEY", "PITR_TEST_S3_SECRET_KEY"})
      needed.push_back(name);
  std::string missing;
  for (const char* name : needed)
    if (Variable(name).empty()) missing += std::string(missing.empty() ? "" : ", ") + name;
  return missing;
}

bool S3IsRequired() { return Variable("PITR_TEST_REQUIRE_S3") == "1"; }

S3Config TestS3Config(bool https) {
  S3Config config;
  config.bucket = Variable("PITR_TEST_S3_BUCKET");
  config.prefix = "suite/" + std::to_string(std::random_device{}()) + "-" + std::to_string(getpid());
  config.endpoint = Variable(https ? "PITR_TEST_S3_HTTPS" : "PITR_TEST_S3_HTTP");
  if (https) config.ca_file = Variable("PITR_TEST_S3_CA");
  if (std::string region = Variable("PITR_TEST_S3_REGION"); !region.empty()) config.region = region;
  config.credentials.environment = [](const char* name) -> std::optional<std::string> {
    if (std::string_view(name) == "AWS_ACCESS_KEY_ID") return Variable("PITR_TEST_S3_ACCESS_KEY");
    if (std::string_view(name) == "AWS_SECRET_ACCESS_KEY") return Variable("PITR_TEST_S3_SECRET_KEY");
    return std::nullopt;
  };
  return config;
}

namespace {

// "bucket.localhost", which curl takes for this machine without asking anybody.
S3Config VirtualHostConfig() {
  S3Config config = TestS3Config(/*https=*/true);
  config.endpoint = "https://localhost" + config.endpoint.substr(config.endpoint.rfind(':'));
  config.addressing = S3Addressing::kVirtualHost;
  config.storage_class = "STANDARD";
  config.tags = {{"purpose", "test suite"}, {"a+b", "c/d=\u00e9"}};
  return config;
}

}  // namespace

std::unique_ptr<TestPlace> MakePlace(StoreKind kind) {
  switch (kind) {
    case StoreKind::kMemory:
      return std::make_unique<MemoryPlace>(false);
    case StoreKind::kFlakyMemory:
      return std::make_unique<MemoryPlace>(true);
    case StoreKind::kDirectory:
      return std::make_unique<DirectoryPlace>();
    case StoreKind::kS3Loopback:
      return std::make_unique<LoopbackS3Place>(false);
    case StoreKind::kFlakyS3Loopback:
      return std::make_unique<LoopbackS3Place>(true);
    case StoreKind::kS3Http:
      return std::make_unique<S3Place>(TestS3Config(false));
    case StoreKind::kS3Https:
      return std::make_unique<S3Place>(TestS3Config(true));
    case StoreKind::kS3VirtualHost:
      return std::make_unique<S3Place>(VirtualHostConfig());
  }
  return nullptr;
}

}  // namespace pitr::test
