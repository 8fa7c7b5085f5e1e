// The loopback S3 server itself: it refuses what S3 would refuse, so that a driver that passes on it did its part.
#include "lib/loopback_s3.h"

#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "core/base/sha256.h"
#include "core/store/http.h"
#include "core/store/s3_xml.h"
#include "core/store/sigv4.h"

namespace pitr::test {
namespace {

class LoopbackS3Server : public ::testing::Test {
 protected:
  HttpResponse Send(const std::string& method, const std::string& target, const std::string& body,
                    HttpHeaders headers = {}) {
    headers.emplace_back("Authorization", "anything");
    headers.emplace_back("x-amz-content-sha256", Sha256Hex(AsBytes(body)));
    return SendBare(method, target, body, headers);
  }
  HttpResponse SendBare(const std::string& method, const std::string& target, const std::string& body,
                        const HttpHeaders& headers) {
    HttpRequest request{.method = method, .url = server_.url() + target, .headers = headers, .body = AsBytes(body)};
    request.operation = "test";
    auto response = http_.Do(request, nullptr, OpContext::WithTimeout(20000));
    EXPECT_TRUE(response.ok()) << response.status().ToString();
    return response.ok() ? std::move(response).value() : HttpResponse{};
  }
  std::string CodeIn(const HttpResponse& response) { return ParseS3Error(response.body).value_or(S3Error{}).code; }

  LoopbackS3 server_{"bucket"};
  HttpClient http_{HttpSettings{}};
};

TEST_F(LoopbackS3Server, RefusesWhatIsNotSigned) {
  const HttpResponse response = SendBare("PUT", "/bucket/k", "x", {{"x-amz-content-sha256", Sha256Hex(AsBytes("x"))}});
  EXPECT_EQ(response.status, 403);
  EXPECT_EQ(CodeIn(response), "AccessDenied");
  EXPECT_EQ(Send("GET", "/bucket/k", "").status, 404);
}

TEST_F(LoopbackS3Server, RefusesABodyOfAnotherHash) {
  const HttpResponse response = SendBare(
      "PUT", "/bucket/k", "x", {{"Authorization", "anything"}, {"x-amz-content-sha256", Sha256Hex(AsBytes("y"))}});
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(CodeIn(response), "XAmzContentSHA256Mismatch");
  EXPECT_EQ(Send("GET", "/bucket/k", "").status, 404);
}

TEST_F(LoopbackS3Server, ReplacesUnlessAskedNotTo) {
  EXPECT_EQ(Send("PUT", "/bucket/k", "first").status, 200);
  const HttpResponse refused = Send("PUT", "/bucket/k", "second", {{"If-None-Match", "*"}});
  EXPECT_EQ(refused.status, 412);
  EXPECT_EQ(CodeIn(refused), "PreconditionFailed");
  EXPECT_EQ(ParseS3Error(refused.body)->request_id, refused.Header("x-amz-request-id"));
  EXPECT_EQ(Send("PUT", "/bucket/k", "third").status, 200);
  const HttpResponse listed = Send("GET", "/bucket/?list-type=2", "");
  EXPECT_EQ(ParseListing(listed.body).value().objects.size(), 1u);
  EXPECT_EQ(Send("GET", "/bucket/k", "").body, "third");
}

TEST_F(LoopbackS3Server, ChecksPartsOnCompletion) {
  const std::string id = UriEncode(ParseInitiatedUpload(Send("POST", "/bucket/k?uploads=", "").body).value(), false);
  const std::string etag(Send("PUT", "/bucket/k?partNumber=1&uploadId=" + id, "small").Header("etag"));
  EXPECT_EQ(Send("PUT", "/bucket/k?partNumber=2&uploadId=" + id, "small").Header("etag"), etag);
  auto complete = [&](const std::vector<UploadPart>& parts) {
    return Send("POST", "/bucket/k?uploadId=" + id, CompleteRequestXml(parts));
  };
  EXPECT_EQ(CodeIn(complete({{1, etag}, {2, etag}})), "EntityTooSmall");
  EXPECT_EQ(CodeIn(complete({{2, etag}, {1, etag}})), "InvalidPartOrder");
  EXPECT_EQ(CodeIn(complete({{1, "\"other\""}})), "InvalidPart");
  EXPECT_EQ(CodeIn(complete({{3, etag}})), "InvalidPart");
  EXPECT_EQ(Send("GET", "/bucket/k", "").status, 404);
  EXPECT_EQ(complete({{2, etag}}).status, 200);
  EXPECT_EQ(Send("GET", "/bucket/k", "").body, "small");
}

TEST_F(LoopbackS3Server, FailsEveryFewRequests) {
  server_.FailEvery(2);
  EXPECT_EQ(Send("PUT", "/bucket/a", "x").status, 200);
  const HttpResponse failed = Send("PUT", "/bucket/b", "x");
  EXPECT_EQ(failed.status, 503);
  EXPECT_EQ(CodeIn(failed), "SlowDown");
  EXPECT_EQ(Send("GET", "/bucket/b", "").status, 404) << "the first failure is not carried out";
  EXPECT_EQ(Send("PUT", "/bucket/c", "x").status, 503);
  EXPECT_EQ(Send("GET", "/bucket/c", "").status, 200) << "the second one is";
  EXPECT_EQ(server_.failed(), 2);
}

TEST_F(LoopbackS3Server, UnknownRequestsFailTheTest) {
  EXPECT_NONFATAL_FAILURE_ON_ALL_THREADS(Send("PUT", "/bucket/k?acl=", ""), "unknown operation on an object");
  EXPECT_NONFATAL_FAILURE_ON_ALL_THREADS(Send("POST", "/bucket/", ""), "unknown operation on the bucket");
}

}  // namespace
}  // namespace pitr::test
