#include "core/config/store_config.h"

#include <gtest/gtest.h>

namespace pitr {
namespace {

TEST(StoreConfig, TakesOverWhatIsSet) {
  Config config;
  config.repository = "s3://bucket/pre/fix";
  config.s3_endpoint = "https://localhost:9000";
  config.s3_addressing = "virtual";
  config.s3_object_tags = "purpose=test%20suite&a%26b=1";
  config.s3_storage_class = "STANDARD";
  config.retry_timeout_ms = 5000;
  auto store = MakeStoreConfig(config);
  ASSERT_TRUE(store.ok()) << store.status().ToString();
  EXPECT_EQ(store.value().s3.bucket, "bucket");
  EXPECT_EQ(store.value().s3.prefix, "pre/fix");
  EXPECT_EQ(store.value().s3.addressing, S3Addressing::kVirtualHost);
  EXPECT_EQ(store.value().s3.tags,
            (std::vector<std::pair<std::string, std::string>>{{"purpose", "test suite"}, {"a&b", "1"}}));
  EXPECT_EQ(store.value().s3.storage_class, "STANDARD");
  EXPECT_EQ(store.value().retry.max_total_millis, 5000);
  config.retry_timeout_ms = 0;
  EXPECT_EQ(MakeStoreConfig(config).value().retry.max_attempts, 1);
}

TEST(StoreConfig, SettingsThatCannotWorkAreNamed) {
  Config config;
  config.repository = "s3://bucket/prefix";
  config.s3_object_tags = "a=%zz";
  const auto store = MakeStoreConfig(config);
  ASSERT_EQ(store.code(), Code::kInvalidArgument);
  EXPECT_NE(store.status().message().find("s3_object_tags"), std::string::npos);
  config.repository = "";
  EXPECT_EQ(MakeStoreConfig(config).code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace pitr
