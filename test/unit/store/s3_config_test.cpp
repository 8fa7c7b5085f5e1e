// What settings mean for where requests go, and which cannot work.
// Starts no thread.
#include "core/store/s3_config.h"

#include <gtest/gtest.h>

namespace pitr {
namespace {

TEST(S3ConfigTest, UrlsAndEndpoints) {
  EXPECT_EQ(ParseS3Url("s3://buck.et/a/b/").value().prefix, "a/b");
  EXPECT_EQ(ParseS3Url("s3://bucket").value().prefix, "");
  for (const char* url : {"", "s3://", "s3:///x", "s3://b/x", "http://bucket/x", "s3://bucket/a//b", "s3://bucket/../x",
                          "s3://bucket:9000/x", "s3://bucket/a b"})
    EXPECT_EQ(ParseS3Url(url).code(), Code::kInvalidArgument) << url;

  struct Case {
    const char* bucket;
    const char* endpoint;
    S3Addressing addressing;
    const char* origin;
    const char* path;
  };
  for (const Case& c : std::initializer_list<Case>{
           {"bucket", "", S3Addressing::kAuto, "https://bucket.s3.us-east-1.amazonaws.com", ""},
           {"buck.et", "", S3Addressing::kAuto, "https://s3.us-east-1.amazonaws.com", "/buck.et"},
           {"bucket", "", S3Addressing::kPath, "https://s3.us-east-1.amazonaws.com", "/bucket"},
           {"bucket", "minio", S3Addressing::kAuto, "https://minio", "/bucket"},
           {"bucket", "minio:9000", S3Addressing::kAuto, "https://minio:9000", "/bucket"},
           {"bucket", "http://minio:9000/", S3Addressing::kAuto, "http://minio:9000", "/bucket"},
           {"bucket", "https://minio:443", S3Addressing::kVirtualHost, "https://bucket.minio", ""},
           {"bucket", "http://minio:80", S3Addressing::kAuto, "http://minio", "/bucket"},
           {"bucket", "http://[::1]:7480", S3Addressing::kAuto, "http://[::1]:7480", "/bucket"},
           {"bucket", "[::1]", S3Addressing::kAuto, "https://[::1]", "/bucket"},
           {"bucket", "s3.eu-west-1.amazonaws.com", S3Addressing::kAuto, "https://bucket.s3.eu-west-1.amazonaws.com",
            ""}}) {
    S3Config config;
    config.bucket = c.bucket;
    config.endpoint = c.endpoint;
    config.addressing = c.addressing;
    auto endpoint = ResolveS3Endpoint(config);
    ASSERT_TRUE(endpoint.ok()) << c.endpoint;
    EXPECT_EQ(endpoint.value().origin, c.origin);
    EXPECT_EQ(endpoint.value().path, c.path);
    EXPECT_EQ("://" + endpoint.value().host_header,
              endpoint.value().origin.substr(endpoint.value().origin.find("://")));
  }
  for (const char* bad :
       {"ftp://x", "http://", "host:port", "host:", "host/path", "user@host", "a b", "http://x?y", "x:123456"}) {
    S3Config config;
    config.bucket = "bucket";
    config.endpoint = bad;
    EXPECT_EQ(ResolveS3Endpoint(config).code(), Code::kInvalidArgument) << bad;
  }
}

TEST(S3ConfigTest, AWrongPrefixSaysWhatIsAllowed) {
  for (const char* prefix : {"my backups", "50%", "~orders",
                             "b\xc3\xa4"
                             "ckup",
                             "a//b", "../a"}) {
    const Status status = ParseS3Url("s3://bucket/" + std::string(prefix)).status();
    EXPECT_EQ(status.code(), Code::kInvalidArgument) << prefix;
    EXPECT_EQ(status.message(), "invalid prefix \"" + std::string(prefix) + "\" of the S3 URL");
    EXPECT_NE(status.hint().find("letters and digits of ASCII and . _ = + -"), std::string::npos) << status.hint();
  }
}

TEST(S3ConfigTest, SettingsThatCannotWork) {
  auto check = [](auto change) {
    S3Config config = ParseS3Url("s3://bucket/p").value();
    change(config);
    return CheckS3Config(config).code();
  };
  EXPECT_EQ(check([](S3Config&) {}), Code::kOk);
  EXPECT_EQ(check([](S3Config& c) { c.sse = "rot13"; }), Code::kInvalidArgument);
  EXPECT_EQ(check([](S3Config& c) { c.sse_kms_key_id = "k"; }), Code::kInvalidArgument);
  EXPECT_EQ(check([](S3Config& c) { c.object_lock_mode = "LOOSE"; }), Code::kInvalidArgument);
  EXPECT_EQ(check([](S3Config& c) { c.object_lock_mode = "GOVERNANCE"; }), Code::kInvalidArgument);
  EXPECT_EQ(check([](S3Config& c) { c.region = "eu west"; }), Code::kInvalidArgument);
  EXPECT_EQ(check([](S3Config& c) { c.storage_class = "A\r\nX: y"; }), Code::kInvalidArgument);
  EXPECT_EQ(check([](S3Config& c) { c.tags.resize(11); }), Code::kInvalidArgument);
  EXPECT_EQ(ParseS3Tags("a=b&c=d%26&e=").value(),
            (std::vector<std::pair<std::string, std::string>>{{"a", "b"}, {"c", "d&"}, {"e", ""}}));
  EXPECT_TRUE(ParseS3Tags("").value().empty());
  EXPECT_FALSE(ParseS3Tags("=b").ok());
  EXPECT_FALSE(ParseS3Tags("e").ok());
  EXPECT_FALSE(ParseS3Tags("a=%zz").ok());
  EXPECT_EQ(ParseS3Addressing("virtual").value(), S3Addressing::kVirtualHost);
  EXPECT_FALSE(ParseS3Addressing("sideways").ok());
}

}  // namespace
}  // namespace pitr
