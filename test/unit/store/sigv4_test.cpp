// Published vectors: the AWS Signature Version 4 test suite and the examples of the Amazon S3 API reference
// ("Authenticating Requests: Using the Authorization Header").
// Starts no thread.
#include "core/store/sigv4.h"

#include <gtest/gtest.h>

namespace pitr {
namespace {

constexpr int64_t kSuiteTime = int64_t{1440938160} * 1000000;  // 20150830T123600Z
constexpr int64_t kS3Time = int64_t{1369353600} * 1000000;     // 20130524T000000Z
const char kEmptyHash[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const AwsCredentials kSuiteKeys{"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"};
const AwsCredentials kS3Keys{"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"};

std::string SuiteSign(SigV4Request request) {
  SigningKeyCache cache;
  request.headers.emplace_back("Host", "example.amazonaws.com");
  request.headers.emplace_back("X-Amz-Date", "20150830T123600Z");
  if (request.payload_sha256.empty()) request.payload_sha256 = kEmptyHash;
  return SignV4(request, kSuiteKeys, {"us-east-1", "service", kSuiteTime}, &cache);
}

std::string SuiteHeader(const std::string& signed_headers, const std::string& signature) {
  return "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=" +
         signed_headers + ", Signature=" + signature;
}

TEST(SigV4Suite, GetVanilla) {
  EXPECT_EQ(SuiteSign({"GET", "/"}),
            SuiteHeader("host;x-amz-date", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"));
}

TEST(SigV4Suite, GetVanillaQueryOrderKeyCase) {
  EXPECT_EQ(SuiteSign({"GET", "/", {{"Param2", "value2"}, {"Param1", "value1"}}}),
            SuiteHeader("host;x-amz-date", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"));
}

TEST(SigV4Suite, GetVanillaEmptyQueryKey) {
  EXPECT_EQ(SuiteSign({"GET", "/", {{"Param1", "value1"}}}),
            SuiteHeader("host;x-amz-date", "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"));
}

TEST(SigV4Suite, PostVanilla) {
  EXPECT_EQ(SuiteSign({"POST", "/"}),
            SuiteHeader("host;x-amz-date", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"));
}

TEST(SigV4Suite, GetUnreserved) {
  EXPECT_EQ(SuiteSign({"GET", "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"}),
            SuiteHeader("host;x-amz-date", "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"));
}

TEST(SigV4Suite, GetUtf8) {
  EXPECT_EQ(SuiteSign({"GET", "/\xe1\x88\xb4"}),
            SuiteHeader("host;x-amz-date", "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"));
}

TEST(SigV4Suite, GetHeaderValueTrim) {
  SigV4Request request{"GET", "/"};
  request.headers = {{"My-Header1", " value1"}, {"My-Header2", " \"a   b   c\""}};
  EXPECT_EQ(SuiteSign(request), SuiteHeader("host;my-header1;my-header2;x-amz-date",
                                            "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"));
}

TEST(SigV4Suite, PostFormUrlencoded) {
  SigV4Request request{"POST", "/"};
  request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
  request.payload_sha256 = Sha256Hex(AsBytes("Param1=value1"));
  EXPECT_EQ(SuiteSign(request), SuiteHeader("content-type;host;x-amz-date",
                                            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"));
}

std::string S3Sign(SigV4Request request) {
  SigningKeyCache cache;
  request.headers.emplace_back("Host", "examplebucket.s3.amazonaws.com");
  request.headers.emplace_back("x-amz-date", "20130524T000000Z");
  request.headers.emplace_back("x-amz-content-sha256", request.payload_sha256);
  return SignV4(request, kS3Keys, {"us-east-1", "s3", kS3Time}, &cache);
}

std::string S3Header(const std::string& signed_headers, const std::string& signature) {
  return "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, SignedHeaders=" +
         signed_headers + ", Signature=" + signature;
}

TEST(SigV4S3Examples, GetObject) {
  SigV4Request request{"GET", "/test.txt", {}, {{"Range", "bytes=0-9"}}, kEmptyHash};
  EXPECT_EQ(S3Sign(request), S3Header("host;range;x-amz-content-sha256;x-amz-date",
                                      "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"));
}

TEST(SigV4S3Examples, PutObject) {
  SigV4Request request{"PUT", "/test$file.text"};
  request.headers = {{"Date", "Fri, 24 May 2013 00:00:00 GMT"}, {"x-amz-storage-class", "REDUCED_REDUNDANCY"}};
  request.payload_sha256 = Sha256Hex(AsBytes("Welcome to Amazon S3."));
  EXPECT_EQ(request.payload_sha256, "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072");
  EXPECT_EQ(S3Sign(request), S3Header("date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
                                      "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"));
}

TEST(SigV4S3Examples, GetBucketLifecycle) {
  SigV4Request request{"GET", "/", {{"lifecycle", ""}}, {}, kEmptyHash};
  EXPECT_EQ(S3Sign(request), S3Header("host;x-amz-content-sha256;x-amz-date",
                                      "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"));
}

TEST(SigV4S3Examples, ListObjects) {
  SigV4Request request{"GET", "/", {{"max-keys", "2"}, {"prefix", "J"}}, {}, kEmptyHash};
  EXPECT_EQ(S3Sign(request), S3Header("host;x-amz-content-sha256;x-amz-date",
                                      "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"));
}

TEST(SigV4, PathIsEncodedOnceAndKeepsSlashes) {
  EXPECT_EQ(UriEncode("/b/a+b=c d%20/\xc3\xa9~", true), "/b/a%2Bb%3Dc%20d%2520/%C3%A9~");
  EXPECT_EQ(UriEncode("a/b", false), "a%2Fb");
}

TEST(SigV4, QueryIsSortedByEncodedName) {
  EXPECT_EQ(CanonicalQuery({{"uploadId", "a/b+"}, {"partNumber", "1"}, {"uploads", ""}}),
            "partNumber=1&uploadId=a%2Fb%2B&uploads=");
}

TEST(SigV4, CachedKeyFollowsDayRegionAndSecret) {
  SigningKeyCache cache;
  SigV4Scope scope{"us-east-1", "s3", kS3Time};
  Sha256Digest first = cache.Key(kS3Keys, scope);
  EXPECT_EQ(first, cache.Key(kS3Keys, scope));
  scope.region = "eu-west-1";
  EXPECT_NE(first, cache.Key(kS3Keys, scope));
  scope.region = "us-east-1";
  EXPECT_EQ(first, cache.Key(kS3Keys, scope));
  scope.wall_micros += int64_t{86400} * 1000000;
  EXPECT_NE(first, cache.Key(kS3Keys, scope));
  AwsCredentials other = kS3Keys;
  other.secret_access_key += "x";
  scope.wall_micros = kS3Time;
  EXPECT_NE(first, cache.Key(other, scope));
}

TEST(SigV4, DateHasTheFormOfTheHeader) { EXPECT_EQ(AmzDate(kSuiteTime), "20150830T123600Z"); }

}  // namespace
}  // namespace pitr
