// Starts no thread.
#include "core/store/store_url.h"

#include <gtest/gtest.h>

namespace pitr {
namespace {

TEST(StoreUrlTest, NamesADirectoryOrAPlaceInABucket) {
  const auto directory = ParseStoreUrl("file:///mnt/backups/");
  ASSERT_TRUE(directory.ok());
  EXPECT_FALSE(directory.value().s3());
  EXPECT_EQ(directory.value().directory, "/mnt/backups/");
  const auto s3 = ParseStoreUrl("s3://bucket/a/b//");
  ASSERT_TRUE(s3.ok());
  EXPECT_TRUE(s3.value().s3());
  EXPECT_EQ(s3.value().bucket, "bucket");
  EXPECT_EQ(s3.value().prefix, "a/b");
  EXPECT_EQ(StoreDirectory("file:///mnt/backups"), "/mnt/backups");
  EXPECT_EQ(StoreDirectory("s3://bucket"), "");
}

TEST(StoreUrlTest, SaysWhatCannotBeARepository) {
  for (const auto& [url, message] : {std::pair("", "repository URL is not set"),
                                     {"file://relative", "repository URL is not an absolute path: \"file://relative\""},
                                     {"file:////", "repository URL is the root directory"},
                                     {"s3:///prefix", "repository URL names no bucket: \"s3:///prefix\""},
                                     {"ftp://host", "repository URL is of no known kind: \"ftp://host\""}}) {
    const auto named = ParseStoreUrl(url);
    ASSERT_FALSE(named.ok()) << url;
    EXPECT_EQ(named.code(), Code::kInvalidArgument) << url;
    EXPECT_EQ(named.status().message(), message);
    EXPECT_FALSE(named.status().hint().empty()) << url;
    EXPECT_EQ(StoreDirectory(url), "");
  }
}

}  // namespace
}  // namespace pitr
